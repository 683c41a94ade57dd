-- What workers, deploy workers and clients need. A table, view or function that is not named here is closed to them.
grant usage on schema lockkeeper to lockkeeper_worker;

grant select on lockkeeper._migrations, lockkeeper._ledger to lockkeeper_worker;
grant execute on function lockkeeper.bind_ledger to lockkeeper_worker;

grant select, insert (id, kind, build_id, task_queues, host, pid), update (stopping_at, stopped_at)
  on lockkeeper._workers to lockkeeper_worker;
grant select on lockkeeper._session_locks to lockkeeper_worker;

grant select, insert (namespace, task_queue, environment),
  update (state, generation, owner_deploy, owner_token, reason, limit_before, changed_at)
  on lockkeeper._gates to lockkeeper_worker;

-- Claims begin and end, and checkpoints are written, by functions that hold the fence: nobody writes around it.
grant select, update (state, reason, cancelling, changed_at) on lockkeeper._jobs to lockkeeper_worker;
grant select, update (owed) on lockkeeper._claims to lockkeeper_worker;
grant select on lockkeeper._checkpoints to lockkeeper_worker;
grant execute on function lockkeeper.claim_slice, lockkeeper.save_checkpoint, lockkeeper.save_checkpoints, lockkeeper.save_checkpoint_or_fail,
  lockkeeper.cannot_restore, lockkeeper.reseal_checkpoint, lockkeeper.reseal_texts, lockkeeper.end_claim, lockkeeper.end_sessions, lockkeeper._end_session, lockkeeper.worker_gone, lockkeeper.is_drained
  to lockkeeper_worker;

-- What was requested, when and by whom, and who must approve it, stays as it was written.
grant select, insert (namespace, environment, id, request, request_hash, plan, requested_by, scheduled_for, approval_policy, code),
  update (code, direction, outcome, outcome_reason, fencing_token, last_act, run_ids, resolved_plan, plan_hash, lock_granted_at,
    finished_at, approved_at, approval_order, expedited_order, through_freeze, turn_at)
  on lockkeeper._deploys to lockkeeper_worker;
-- What people say about approvals is only added to, at the time by the ledger's clock.
grant select, insert (namespace, environment, deploy, person, act, reason) on lockkeeper._approvals to lockkeeper_worker;
grant select, insert (namespace, environment), update (frozen, freeze_window) on lockkeeper._environments to lockkeeper_worker;
grant select, insert (namespace, environment, deploy, n, name, type), update (state, run_id, guard, result, started_at, ended_at)
  on lockkeeper._deploy_steps to lockkeeper_worker;
grant select, insert, update (nonce, task_token, at) on lockkeeper._leases to lockkeeper_worker;
-- The record is only added to, at the time by the ledger's clock.
grant select, insert (namespace, environment, deploy, actor, event, detail) on lockkeeper._events to lockkeeper_worker;
-- Not `update`: a counter is not set back.
grant usage on sequence lockkeeper._fencing_token, lockkeeper._approval_order to lockkeeper_worker;

-- Notices are written by a trigger and by functions; deploy workers tell them, and say whom.
grant select, update (state, attempts, due_at, error, ended_at), delete on lockkeeper._notices to lockkeeper_worker;
grant select, insert, update (events, jobs, owners, to_owner, until), delete on lockkeeper._receivers to lockkeeper_worker;

grant select on lockkeeper.gates, lockkeeper.jobs, lockkeeper.claims, lockkeeper.checkpoints, lockkeeper.deploys,
  lockkeeper.deploy_steps, lockkeeper.approvals, lockkeeper.environments, lockkeeper.events, lockkeeper.workers, lockkeeper.notices
  to lockkeeper_worker;
