-- For dashboards and people who look on: the views, which hold no state, token, nonce or command. No table, no function.
grant usage on schema lockkeeper to lockkeeper_reader;
grant select on lockkeeper.gates, lockkeeper.jobs, lockkeeper.claims, lockkeeper.checkpoints, lockkeeper.deploys,
  lockkeeper.deploy_steps, lockkeeper.approvals, lockkeeper.environments, lockkeeper.events, lockkeeper.workers, lockkeeper.notices
  to lockkeeper_reader;
