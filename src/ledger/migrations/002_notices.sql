-- Up Migration
-- Notices: who is to be told of what becomes of jobs and deploys, and what is still to be told. A notice is written in the transaction
-- of the change that it tells of, and removed when it has been told.

-- Receivers as the deploy worker that started last has them in its config, without their addresses and secrets.
create table lockkeeper._receivers (
  namespace text not null,
  environment text not null,
  name text not null,
  events text[] not null,
  -- Null: of all.
  jobs text[],
  owners text[],
  -- It is told by mail to the owner: nothing for those who have no address.
  to_owner boolean not null,
  -- Put off by deploy workers that tell this receiver: where there is none any more, nothing is written after this.
  until timestamptz not null,
  primary key (namespace, environment, name)
);

-- One row for each notice and receiver. Ids, names, states, times and numbers only: no state, input, result or message of a job.
create table lockkeeper._notices (
  -- In the order in which things happened to one subject.
  number bigint primary key generated always as identity,
  -- The same for all receivers, and however often it is told.
  id uuid not null,
  namespace text not null,
  environment text not null,
  receiver text not null,
  event text not null,
  -- The id of the job or deploy.
  subject text not null,
  -- Of the job; who asked for the deploy.
  owner text,
  facts jsonb not null,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  attempts integer not null default 0,
  -- When it may be tried, or tried again: whoever takes it puts this off, and so holds it until then.
  due_at timestamptz not null default clock_timestamp(),
  error text,
  created_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  unique (id, receiver)
);
create index on lockkeeper._notices (namespace, environment, receiver, due_at) where state = 'pending';
create index on lockkeeper._notices (namespace, environment, receiver, subject, number) where state = 'pending';
create index on lockkeeper._notices (namespace, environment, ended_at) where state <> 'pending';

-- One address without a name; src/jobs/owner.ts has the same pattern.
create function lockkeeper.is_mail_address(owner text) returns boolean language sql immutable
return owner ~ '^[^[:space:]@<>()\[\],;:\\"]+@[^[:space:]@<>()\[\],;:\\"]+$';

-- Writes a notice for every receiver that wants it, in the caller's transaction.
create function lockkeeper._notify(
  in_namespace text, in_environment text, in_event text, in_subject text, in_job text, in_owner text, in_facts jsonb)
returns void
language sql as $$
  insert into lockkeeper._notices (id, namespace, environment, receiver, event, subject, owner, facts)
  select n.id, r.namespace, r.environment, r.name, in_event, in_subject, in_owner, in_facts
  from (select gen_random_uuid() as id) n, lockkeeper._receivers r
  where r.namespace = in_namespace and r.environment = in_environment
    and in_event = any(r.events)
    and (r.jobs is null or in_job = any(r.jobs))
    and (r.owners is null or in_owner = any(r.owners))
    and (not r.to_owner or lockkeeper.is_mail_address(in_owner))
    and r.until > now()
$$;

-- What a change of a job's state is to its owner; null: nothing to be told.
create function lockkeeper._job_event(before text, after text, cancelling boolean) returns text
language sql immutable
return case
  when after = 'done' then 'job.finished'
  when after in ('quarantined', 'failed', 'cancelled') then 'job.' || after
  -- A job that is told to end is interrupted for it, and goes on to undo what it did.
  when cancelling then null
  when before = 'running' and after = 'interrupted' then 'job.interrupted'
  when before in ('interrupted', 'quarantined', 'failed') and after = 'running' then 'job.resumed'
end;

-- Runs as the owner of the schema: workers change jobs, and need no right to notices.
create function lockkeeper._job_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  event text := lockkeeper._job_event(old.state, new.state, new.cancelling);
begin
  if event is not null then
    perform lockkeeper._notify(g.namespace, g.environment, event, new.workflow_id, new.name, new.owner,
        jsonb_strip_nulls(jsonb_build_object('key', new.key, 'name', new.name, 'taskQueue', new.task_queue,
          'state', new.state, 'checkpoint', new.seq, 'interruptions', new.interruptions,
          'done', new.progress_done, 'total', new.progress_total)))
      from lockkeeper._gates g where g.namespace = new.namespace and g.task_queue = new.task_queue;
  end if;
  return null;
end
$$;
-- A checkpoint changes no state: for it, this is one comparison.
create trigger job_changed after update on lockkeeper._jobs
  for each row when (old.state is distinct from new.state) execute function lockkeeper._job_changed();

create view lockkeeper.notices as
  select number, id, namespace, environment, receiver, event, subject, state, attempts, due_at, error, created_at, ended_at
  from lockkeeper._notices;
