-- Up Migration
-- Notices about deploys. What happens to a deploy is an event of the record; some events are told, in the transaction that adds them.

-- What an event of the record is to those who look after deploys; null: nothing to be told.
create function lockkeeper._deploy_notice(event text, detail jsonb, first_lock boolean) returns text
language sql immutable
return case
  when event in ('requested', 'waiting', 'drainLate', 'held') then 'deploy.' || event
  -- By a person's word, before its next step.
  when event = 'hold' then 'deploy.held'
  -- A run that goes on with an interrupted deploy is given the lock again.
  when event = 'lockGranted' and first_lock then 'deploy.started'
  -- As the step's workflow says it.
  when event = 'step' and detail ->> 'state' = 'inDoubt' and detail ->> 'note' like 'lease lost:%' then 'deploy.leaseLost'
  when event = 'withdrawn' then 'deploy.aborted'
  when event = 'finished' and detail ->> 'outcome' = 'succeeded' then 'deploy.finished'
  when event = 'finished' then 'deploy.' || (detail ->> 'outcome')
end;

-- The step that stopped a deploy: the last that failed or is in doubt, and was not gone over.
create function lockkeeper._stopping_step(in_namespace text, in_environment text, in_deploy text) returns jsonb
language sql stable as $$
  select jsonb_build_object('n', s.n, 'name', s.name, 'type', s.type) from lockkeeper._deploy_steps s
  where s.namespace = in_namespace and s.environment = in_environment and s.deploy = in_deploy
    and s.state not in ('pending', 'done', 'skipped')
    and exists (select from lockkeeper._events e
      where e.namespace = s.namespace and e.environment = s.environment and e.deploy = s.deploy and e.event = 'step'
        and (e.detail ->> 'n')::integer = s.n and e.detail ->> 'state' in ('failed', 'inDoubt'))
  order by s.n desc limit 1
$$;

-- Runs as the owner of the schema: those who add to the record need no right to notices.
create function lockkeeper._deploy_event_added() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  d lockkeeper._deploys;
  told text;
begin
  select * into d from lockkeeper._deploys
    where namespace = new.namespace and environment = new.environment and id = new.deploy;
  told := lockkeeper._deploy_notice(new.event, new.detail, d.lock_granted_at = now());
  if told is null then
    return null;
  end if;
  perform lockkeeper._notify(new.namespace, new.environment, told, d.id, null, d.requested_by,
    jsonb_strip_nulls(jsonb_build_object(
      'record', new.id, 'plan', d.plan, 'version', d.request ->> 'version', 'code', d.code, 'outcome', d.outcome,
      'by', case when new.event in ('hold', 'withdrawn') then new.actor end,
      -- A person's own words; those of commands and errors stay in the record.
      'said', case when new.event in ('hold', 'withdrawn') then new.detail ->> 'reason'
        when told = 'deploy.aborted' then d.outcome_reason end,
      'step', case when told in ('deploy.leaseLost', 'deploy.failed', 'deploy.rolledBack') or new.event = 'held'
        then lockkeeper._stopping_step(new.namespace, new.environment, d.id) end,
      'until', case when told = 'deploy.held' then new.detail ->> 'until' end,
      'waitsFor', case when new.event = 'waiting' then new.detail end,
      'drain', case when new.event = 'drainLate' then new.detail end)));
  return null;
end
$$;
create trigger event_added after insert on lockkeeper._events
  for each row when (new.deploy is not null) execute function lockkeeper._deploy_event_added();
