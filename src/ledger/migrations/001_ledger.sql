-- Up Migration
-- The ledger: saved state, the fence of each gate, and the record of what happened.
-- Tables are private (leading underscore); people and programs read the views at the end.
-- What workers may do to claims, jobs and checkpoints they do by functions, which run with the rights of the schema's owner
-- (`security definer`, so with a fixed search_path) and hold the fence; roles/ has the other rights.

-- One row: whose ledger this is. Workers refuse a ledger that belongs to another cluster or namespace.
create table lockkeeper._ledger (
  one boolean primary key default true check (one),
  id uuid not null default gen_random_uuid(),
  cluster_id text,
  namespace text,
  -- Code older than this number of breaking migrations refuses to start.
  breaking integer not null default 1
);
insert into lockkeeper._ledger default values;

-- The first worker binds the ledger to its cluster and namespace, for good.
create function lockkeeper.bind_ledger(in_cluster_id text, in_namespace text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update lockkeeper._ledger set cluster_id = in_cluster_id, namespace = in_namespace
  where cluster_id is null and namespace is null
$$;

create sequence lockkeeper._fencing_token;
create sequence lockkeeper._approval_order;

create table lockkeeper._workers (
  id uuid primary key,
  kind text not null check (kind in ('worker', 'deploy-worker')),
  build_id text not null,
  task_queues text[] not null,
  host text not null,
  pid integer not null,
  -- The session lock this worker holds for as long as it lives (pg_advisory_lock on this number).
  session_lock bigint not null generated always as identity,
  started_at timestamptz not null default now(),
  stopping_at timestamptz,
  stopped_at timestamptz
);
create index on lockkeeper._workers (id) where stopped_at is null;

-- The session locks that are held: the workers that live. A lock goes with its process, however that ends.
-- 1280005963 is "LKWK" in ASCII, the first number of these advisory locks.
create view lockkeeper._session_locks as
  select l.objid::bigint as session_lock from pg_locks l
  where l.locktype = 'advisory' and l.classid = 1280005963 and l.objsubid = 2 and l.granted
    and l.database = (select d.oid from pg_database d where d.datname = current_database());

create table lockkeeper._gates (
  namespace text not null,
  task_queue text not null,
  environment text not null,
  state text not null default 'open' check (state in ('open', 'closed', 'opening')),
  generation bigint not null default 0,
  owner_deploy text,
  owner_token bigint,
  reason text,
  -- The queue's own rate limit from before the brake, as {"rate": n, "reason": s}; null: it had none.
  limit_before jsonb,
  changed_at timestamptz not null default now(),
  primary key (namespace, task_queue),
  check ((state = 'open') = (owner_deploy is null)),
  check ((owner_deploy is null) = (owner_token is null))
);

create table lockkeeper._jobs (
  key text primary key,
  namespace text not null,
  workflow_id text not null,
  name text not null,
  task_queue text not null,
  -- Whom it belongs to, as was said at its start.
  owner text,
  state text not null default 'running'
    check (state in ('running', 'interrupted', 'waiting', 'quarantined', 'done', 'failed', 'cancelled')),
  epoch bigint not null default 0,
  seq bigint not null default 0,
  -- The checkpoint the job goes on from when it is not number `seq`: 0 is the initial state.
  restore_seq bigint,
  -- The last checkpoint with which SQL of the job was committed: going back behind it would do that again.
  effect_seq bigint not null default 0,
  -- Since when workers have handed it back because they cannot read its checkpoint, which another one may; and the last epoch
  -- in which one has: the next one that does not ends it.
  unreadable_since timestamptz,
  unreadable_epoch bigint,
  -- What is wrong with the checkpoints that were looked at when it was quarantined: [{"seq": n, "why": s}], without `why` nothing.
  findings jsonb,
  -- When and why it last went on from another checkpoint than the last one, without a person's word.
  went_back text,
  went_back_at timestamptz,
  claim uuid,
  -- Losses since the last checkpoint: interruptions that nobody planned.
  losses integer not null default 0,
  losses_at bigint not null default 0,
  interruptions integer not null default 0,
  -- It was told to end: its next slice, if there is one, undoes what it did.
  cancelling boolean not null default false,
  progress_done double precision,
  progress_total double precision,
  -- What is the job's own in these two is encrypted where there is a keyring: `sealed:<key id>:<base64>`.
  progress_note text,
  reason text,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now()
);
create index on lockkeeper._jobs (namespace, workflow_id);
create index on lockkeeper._jobs (namespace, owner, created_at) where owner is not null;
create index on lockkeeper._jobs (namespace, state) where state not in ('done', 'failed', 'cancelled');

create table lockkeeper._checkpoints (
  key text not null references lockkeeper._jobs on delete cascade,
  seq bigint not null,
  kind text not null check (kind in ('state', 'done')),
  state_version integer not null,
  -- Of the worker that wrote it.
  build_id text not null,
  -- Which key of the keyring encrypted the row; 'none': the ciphertext is plain JSON.
  key_id text not null,
  nonce bytea not null,
  ciphertext bytea not null,
  at timestamptz not null default now(),
  primary key (key, seq)
);

create table lockkeeper._claims (
  claim uuid primary key,
  key text not null references lockkeeper._jobs on delete cascade,
  epoch bigint not null,
  namespace text not null,
  task_queue text not null,
  worker uuid not null,
  build_id text not null,
  workflow_id text not null,
  task_token bytea not null,
  state text not null default 'running' check (state in ('running', 'released', 'fenced', 'lost')),
  seq bigint not null,
  -- An atomic slice is not stopped once begun: when it must have ended.
  atomic_until timestamptz,
  -- Later than the opening of the gate that let it begin, also when it began to ask before.
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  end_reason text,
  -- Its worker is gone, and the server has yet to hear that the slice is over.
  owed boolean not null default false
);
create index on lockkeeper._claims (namespace) where owed;
create index on lockkeeper._claims (namespace, task_queue) where state in ('running', 'fenced');
create index on lockkeeper._claims (key);
create index on lockkeeper._claims (worker, state);

create table lockkeeper._deploys (
  namespace text not null,
  environment text not null,
  id text not null,
  request jsonb not null,
  request_hash text not null,
  plan text not null,
  resolved_plan jsonb,
  plan_hash text,
  requested_by text not null,
  requested_at timestamptz not null default clock_timestamp(),
  -- What its plan asked for when it was requested: {count, notRequester, expireAfterMs, allowed}.
  approval_policy jsonb not null default '{"count": 0, "notRequester": false, "expireAfterMs": 0}',
  -- Both are there while enough people approve, and taken away when no longer.
  approved_at timestamptz,
  approval_order bigint unique,
  scheduled_for timestamptz,
  expedited_order bigint,
  through_freeze boolean not null default false,
  -- Nothing holds it back any more: its run is started, whatever is revoked, frozen or expires from then on.
  turn_at timestamptz,
  code integer not null default 100,
  direction text not null default 'forward' check (direction in ('forward', 'back')),
  outcome text check (outcome in ('succeeded', 'failed', 'rolledBack', 'aborted')),
  outcome_reason text,
  fencing_token bigint,
  -- The number of the last thing that the run with this token wrote: what comes late, or again, changes nothing.
  last_act integer not null default 0,
  run_ids text[] not null default '{}',
  lock_granted_at timestamptz,
  finished_at timestamptz,
  archived boolean not null default false,
  primary key (namespace, environment, id)
);
create index on lockkeeper._deploys (namespace, environment) where outcome is null;

create table lockkeeper._deploy_steps (
  namespace text not null,
  environment text not null,
  deploy text not null,
  n integer not null check (n between 1 and 99),
  name text not null,
  type text not null,
  state text not null default 'pending'
    check (state in ('pending', 'started', 'done', 'inDoubt', 'compensating', 'compensated', 'skipped', 'failed')),
  run_id text,
  -- The guard process of a command: {host, guardPid, ...}, written before the command begins.
  guard jsonb,
  result jsonb,
  started_at timestamptz,
  ended_at timestamptz,
  primary key (namespace, environment, deploy, n),
  foreign key (namespace, environment, deploy) references lockkeeper._deploys
);

-- The right to heartbeat and complete one external step: its activity's task token, given out once per nonce.
create table lockkeeper._leases (
  namespace text not null,
  environment text not null,
  deploy text not null,
  n integer not null,
  attempt integer not null,
  nonce text not null,
  task_token bytea not null,
  at timestamptz not null default now(),
  primary key (namespace, environment, deploy, n, attempt)
);

-- Everything that happened to deploys and gates, in order; never updated.
create table lockkeeper._events (
  id bigint primary key generated always as identity,
  namespace text not null,
  environment text not null,
  deploy text,
  at timestamptz not null default now(),
  actor text not null,
  event text not null,
  detail jsonb not null default '{}'
);
create index on lockkeeper._events (namespace, environment, deploy, id);

-- Whether the gate of a queue is closed and no claim that may still do work is left on it.
create function lockkeeper.is_drained(in_namespace text, in_task_queue text) returns boolean
language sql stable as $$
  select g.state = 'closed' and not exists (
    select from lockkeeper._claims c
    where c.namespace = g.namespace and c.task_queue = g.task_queue and c.state = 'running')
  from lockkeeper._gates g
  where g.namespace = in_namespace and g.task_queue = in_task_queue
$$;

-- Every way a claim ends. `in_state` is what it becomes: 'released' (its worker says that it has stopped),
-- 'fenced' (it may still be at work, but nothing it writes counts any more), 'lost' (its worker is gone).
-- The gate row is locked first: of two last claims that end at once, one waits for the other and sees that it is
-- the last, and exactly one of them learns that the queue is drained.
-- A fenced claim that its worker confirms becomes released; no claim goes back to running.
create function lockkeeper.end_claim(in_claim uuid, in_state text, in_reason text)
returns table (ended boolean, drained boolean, environment text, owner_deploy text, generation bigint, task_queue text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  found_claim lockkeeper._claims%rowtype;
  gate lockkeeper._gates%rowtype;
  was_running boolean;
  unplanned boolean;
begin
  if in_state not in ('released', 'fenced', 'lost') then
    raise exception 'end_claim: state must be released, fenced or lost, not %', in_state;
  end if;
  select * into found_claim from lockkeeper._claims c where c.claim = in_claim;
  if not found then
    return query select false, false, null::text, null::text, null::bigint, null::text;
    return;
  end if;
  select * into gate from lockkeeper._gates g
    where g.namespace = found_claim.namespace and g.task_queue = found_claim.task_queue for update;
  select * into found_claim from lockkeeper._claims c where c.claim = in_claim for update;
  if not found or found_claim.state in ('released', 'lost') or found_claim.state = in_state then
    return query select false, false, gate.environment, gate.owner_deploy, gate.generation, gate.task_queue;
    return;
  end if;
  was_running := found_claim.state = 'running';
  -- An atomic slice that is given up in the middle is lost like one whose worker is gone: nobody knows what it had done.
  unplanned := in_state = 'lost' or (in_state = 'fenced' and found_claim.atomic_until is not null);
  update lockkeeper._claims c
    set state = in_state, ended_at = clock_timestamp(), end_reason = in_reason,
        seq = coalesce((select j.seq from lockkeeper._jobs j where j.key = c.key and j.claim = c.claim), c.seq)
    where c.claim = in_claim;
  update lockkeeper._jobs j
    set claim = null, changed_at = now(),
        state = case when j.state = 'running' then 'interrupted' else j.state end,
        losses = case when not unplanned then j.losses when j.seq > j.losses_at then 1 else j.losses + 1 end,
        losses_at = case when not unplanned then j.losses_at else j.seq end,
        interruptions = j.interruptions + case when j.state = 'running' then 1 else 0 end
    where j.key = found_claim.key and j.claim = in_claim;
  return query select true,
    was_running and lockkeeper.is_drained(found_claim.namespace, found_claim.task_queue),
    gate.environment, gate.owner_deploy, gate.generation, gate.task_queue;
end
$$;

-- Ends a session that works under a claim, with the rights of the schema's owner, if it is a worker's in this database.
-- False: it is not, or the owner may not end it.
create function lockkeeper._end_session(in_pid integer, in_claim uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_terminate_backend(a.pid) from pg_stat_activity a
    join pg_roles r on r.rolname = 'lockkeeper_worker' and pg_has_role(a.usesysid, r.oid, 'member')
    where a.pid = in_pid and a.application_name = 'lockkeeper slice ' || in_claim and a.datname = current_database();
  return found;
exception when insufficient_privilege then
  return false;
end
$$;

-- Ends the sessions that work under a claim: those of one's own login by one's own right, others by the owner's.
-- Returns the logins whose sessions could not be ended.
create function lockkeeper.end_sessions(in_claim uuid) returns setof text
language plpgsql as $$
declare
  session record;
begin
  for session in select a.pid, a.usename, a.usesysid from pg_stat_activity a
    where a.application_name = 'lockkeeper slice ' || in_claim and a.datname = current_database() loop
    if pg_has_role(session.usesysid, 'usage') then
      perform pg_terminate_backend(session.pid);
    elsif not lockkeeper._end_session(session.pid, in_claim) then
      return next session.usename;
    end if;
  end loop;
end
$$;

-- A worker is gone: ends whatever it still held, and notes of which slices the server has yet to hear that they are over.
-- That includes those that stepped aside in its last minute: it may have died before it said so.
-- Says nothing and does nothing when the worker holds its session lock after all; it cannot take it back meanwhile.
create function lockkeeper.worker_gone(in_worker uuid, in_reason text)
returns table (slices integer, drained jsonb)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  worker lockkeeper._workers%rowtype;
  held record;
  ended record;
begin
  slices := 0;
  drained := '[]';
  select * into worker from lockkeeper._workers w where w.id = in_worker and w.stopped_at is null;
  if not found or not pg_try_advisory_xact_lock(1280005963, worker.session_lock::integer) then
    return;
  end if;
  for held in select c.claim from lockkeeper._claims c where c.worker = in_worker and c.state in ('running', 'fenced')
    order by c.namespace, c.task_queue, c.claim loop
    select * into ended from lockkeeper.end_claim(held.claim, 'lost', in_reason);
    if ended.ended then
      slices := slices + 1;
    end if;
    if ended.drained then
      drained := drained || jsonb_build_object('environment', ended.environment, 'deploy', ended.owner_deploy,
        'generation', ended.generation, 'taskQueue', ended.task_queue);
    end if;
  end loop;
  update lockkeeper._claims c set owed = true where c.worker = in_worker
    and (c.state = 'lost' or (c.state = 'released' and c.ended_at > clock_timestamp() - interval '1 minute'));
  update lockkeeper._workers w set stopped_at = clock_timestamp() where w.id = in_worker;
  return next;
end
$$;

-- Begins a slice. One statement, so that a client frozen in the middle holds no lock.
-- The gate row is read FOR SHARE: a gate that closes waits for this claim and then counts it.
-- Verdicts: claimed, gateClosed, ended (the job already has its last checkpoint), behind (the ledger knows less than the
-- workflow was told: it was restored from a backup), quarantined.
create function lockkeeper.claim_slice(
  in_claim uuid, in_key text, in_namespace text, in_workflow_id text, in_name text, in_task_queue text,
  in_worker uuid, in_build_id text, in_task_token bytea, in_seq bigint, in_stopped uuid, in_release_seq bigint,
  in_losses_allowed integer, in_atomic_ms bigint, in_owner text, in_cancelling boolean, in_on_unrestorable text)
returns table (verdict text, epoch bigint, seq bigint, reason text, went_back text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  gate lockkeeper._gates%rowtype;
  job lockkeeper._jobs%rowtype;
begin
  select * into gate from lockkeeper._gates g
    where g.namespace = in_namespace and g.task_queue = in_task_queue for share;
  if not found then
    raise exception 'no gate for task queue % in namespace %', in_task_queue, in_namespace using errcode = 'LK001';
  end if;
  if gate.state = 'closed' and not exists (select from lockkeeper._jobs j where j.key = in_key) then
    -- It has not begun: it waits behind the gate for its first slice, and there is nothing to write of it.
    return query select 'gateClosed', 0::bigint, 0::bigint, gate.reason, null::text;
    return;
  end if;
  insert into lockkeeper._jobs (key, namespace, workflow_id, name, task_queue, owner)
    values (in_key, in_namespace, in_workflow_id, in_name, in_task_queue, in_owner) on conflict do nothing;
  select * into job from lockkeeper._jobs j where j.key = in_key for update;
  -- A failed one may run again: its workflow was reset, or it would not ask.
  if job.state in ('done', 'cancelled') then
    -- Its worker died between the last checkpoint and the end of the claim: no drain waits for it any more.
    update lockkeeper._claims c set state = 'fenced', ended_at = clock_timestamp(), end_reason = 'the job has ended'
      where c.claim = job.claim and c.claim <> in_claim and c.state = 'running';
    return query select 'ended', job.epoch, job.seq, job.state, null::text;
    return;
  end if;
  if gate.state = 'closed' then
    return query select 'gateClosed', job.epoch, job.seq, gate.reason, null::text;
    return;
  end if;
  if job.seq < in_seq and (in_on_unrestorable = 'restart' or (in_on_unrestorable = 'previous' and job.seq > 0)) then
    -- As its definition says. The numbers go on from the workflow's, so that this is noticed once.
    job.restore_seq := case in_on_unrestorable when 'restart' then 0 else coalesce(job.restore_seq, job.seq) end;
    job.went_back := format('the ledger is at checkpoint %s, the workflow was told of %s: the ledger was restored from an older backup; it %s',
      job.seq, in_seq, case job.restore_seq when 0 then 'began again' else format('went on from checkpoint %s', job.restore_seq) end);
    job.went_back_at := now();
    went_back := job.went_back;
    job.seq := in_seq;
  elsif job.seq < in_seq then
    update lockkeeper._claims c set state = 'fenced', ended_at = clock_timestamp(), end_reason = 'the ledger is behind the workflow'
      where c.claim = job.claim and c.claim <> in_claim and c.state = 'running';
    update lockkeeper._jobs j set state = 'quarantined', claim = null, changed_at = now(), findings = null,
      reason = format('the ledger is at checkpoint %s, the workflow was told of %s: the ledger was restored from an older backup', job.seq, in_seq)
      where j.key = in_key returning j.reason into job.reason;
    return query select 'behind', job.epoch, job.seq, job.reason, null::text;
    return;
  end if;
  if in_release_seq is not null then
    if in_release_seq > 0 and not exists (select from lockkeeper._checkpoints p where p.key = in_key and p.seq = in_release_seq) then
      return query select 'quarantined', job.epoch, job.seq, format('there is no checkpoint %s to go on from', in_release_seq), null::text;
      return;
    end if;
    -- -1: go on from the last checkpoint after all.
    if in_release_seq >= 0 then
      job.restore_seq := in_release_seq;
    end if;
    job.losses := 0;
    job.state := 'interrupted';
  end if;
  if job.state = 'quarantined' then
    return query select 'quarantined', job.epoch, job.seq, job.reason, null::text;
    return;
  end if;
  if job.claim is not null and job.claim is distinct from in_claim then
    if job.claim is not distinct from in_stopped then
      update lockkeeper._claims c set state = 'released', ended_at = clock_timestamp(), end_reason = 'its worker said that it had stopped'
        where c.claim = job.claim and c.state = 'running';
    else
      -- Nobody planned this: the attempt before ended without a word. Its worker may still be at work.
      update lockkeeper._claims c set state = 'fenced', ended_at = clock_timestamp(), end_reason = 'superseded by a later attempt'
        where c.claim = job.claim and c.state = 'running';
      job.losses := case when job.seq > job.losses_at then 1 else job.losses + 1 end;
      job.losses_at := job.seq;
    end if;
  end if;
  if job.losses >= in_losses_allowed then
    update lockkeeper._jobs j set state = 'quarantined', claim = null, losses = job.losses, losses_at = job.losses_at,
      changed_at = now(), findings = null,
      reason = case when in_losses_allowed = 1
        then 'its worker was lost, or it was given up, in the middle of it, and it is atomic: whether its work was done nobody knows'
        else format('interrupted %s times without progress since checkpoint %s: does it kill its worker?', job.losses, job.seq) end
      where j.key = in_key returning j.reason into job.reason;
    return query select 'quarantined', job.epoch, job.seq, job.reason, null::text;
    return;
  end if;
  delete from lockkeeper._claims c where c.key = in_key and c.state in ('released', 'lost');
  update lockkeeper._jobs j set epoch = job.epoch + 1, claim = in_claim, state = 'running', reason = null,
    losses = job.losses, losses_at = job.losses_at, restore_seq = job.restore_seq, cancelling = in_cancelling,
    changed_at = now(), seq = job.seq, went_back = job.went_back, went_back_at = job.went_back_at
    where j.key = in_key;
  insert into lockkeeper._claims (claim, key, epoch, namespace, task_queue, worker, build_id, workflow_id, task_token, seq, atomic_until)
    values (in_claim, in_key, job.epoch + 1, in_namespace, in_task_queue, in_worker, in_build_id, in_workflow_id, in_task_token, job.seq,
      clock_timestamp() + in_atomic_ms * interval '1 millisecond');
  return query select 'claimed', job.epoch + 1, job.seq, null::text, went_back;
end
$$;

-- The checkpoint that a job is to go on from cannot be restored. Of the claim that holds the job or, for one that is done and whose
-- result cannot be read, of nobody (in_claim null). What becomes of the job, in_act:
-- 'wait': another worker may be able to read it. 'goBack': it goes on from checkpoint in_to, 0 for its initial state.
-- 'quarantine': a person decides.
-- Returns for how long workers have handed it back, in milliseconds; null: refused, the job is in other hands.
create function lockkeeper.cannot_restore(
  in_key text, in_claim uuid, in_epoch bigint, in_act text, in_to bigint, in_reason text, in_findings jsonb)
returns double precision
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  waited double precision;
begin
  if in_act not in ('wait', 'goBack', 'quarantine') then
    raise exception 'cannot_restore: wait, goBack or quarantine, not %', in_act;
  end if;
  update lockkeeper._jobs j
    set changed_at = now(), reason = in_reason, findings = in_findings,
        claim = case j.state when 'done' then null else j.claim end,
        unreadable_since = case when j.unreadable_epoch >= in_epoch - 1 then j.unreadable_since else now() end,
        unreadable_epoch = case in_act when 'wait' then in_epoch end,
        state = case when in_act = 'quarantine' then 'quarantined' when in_act = 'goBack' then 'interrupted' else j.state end,
        restore_seq = case in_act when 'goBack' then in_to else j.restore_seq end,
        went_back = case in_act when 'goBack' then in_reason else j.went_back end,
        went_back_at = case in_act when 'goBack' then now() else j.went_back_at end
    where j.key = in_key and j.epoch = in_epoch
      and (j.claim = in_claim and j.state = 'running' or in_claim is null and j.state = 'done')
    returning extract(epoch from now() - j.unreadable_since) * 1000 into waited;
  return waited;
end
$$;

-- Saves checkpoint number in_seq. False: refused, because the claim was fenced or the number is not the next one.
create function lockkeeper.save_checkpoint(
  in_key text, in_claim uuid, in_epoch bigint, in_seq bigint, in_kind text, in_state_version integer, in_build_id text,
  in_key_id text, in_nonce bytea, in_ciphertext bytea, in_with_effect boolean,
  in_done double precision, in_total double precision, in_note text)
returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update lockkeeper._jobs j
    set seq = in_seq, restore_seq = null, changed_at = now(),
        effect_seq = case when in_with_effect then in_seq else j.effect_seq end,
        state = case when in_kind = 'done' then 'done' else j.state end,
        progress_done = coalesce(in_done, j.progress_done), progress_total = coalesce(in_total, j.progress_total),
        progress_note = coalesce(in_note, j.progress_note)
    where j.key = in_key and j.claim = in_claim and j.epoch = in_epoch and j.seq = in_seq - 1;
  if not found then
    return false;
  end if;
  insert into lockkeeper._checkpoints (key, seq, kind, state_version, build_id, key_id, nonce, ciphertext)
    values (in_key, in_seq, in_kind, in_state_version, in_build_id, in_key_id, in_nonce, in_ciphertext);
  delete from lockkeeper._checkpoints p where p.key = in_key and p.seq <= in_seq - 3;
  return true;
end
$$;

-- The same for plain saves of several jobs in one transaction: each by the function above, and so by the same fence. Their
-- ciphertexts come in one piece, in_sizes says where one ends. Answers in the order asked: saved, refused, or busy:
-- somebody holds the row of the job, and whoever would wait for it here would hold up the others. Rows are taken in one order.
create function lockkeeper.save_checkpoints(
  in_keys text[], in_claims uuid[], in_epochs bigint[], in_seqs bigint[], in_kinds text[], in_state_versions integer[],
  in_build_ids text[], in_key_ids text[], in_nonces bytea[], in_sizes integer[], in_ciphertexts bytea,
  in_done double precision[], in_total double precision[], in_notes text[])
returns text[]
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  free text[] := array(
    select j.key from lockkeeper._jobs j where j.key = any(in_keys) order by j.key for no key update skip locked);
  outcomes text[] := array_fill(null::text, array[cardinality(in_keys)]);
  asked record;
  saved boolean;
begin
  -- In the same order, for a save takes an old checkpoint away, too, which a rotation of keys may hold.
  for asked in
    select n.n::integer, n.key, sum(n.size) over (order by n.n) - n.size + 1 as at
    from unnest(in_keys, in_sizes) with ordinality as n (key, size, n) order by n.key, n.n
  loop
    if asked.key = any(free) then
      saved := lockkeeper.save_checkpoint(asked.key, in_claims[asked.n], in_epochs[asked.n], in_seqs[asked.n], in_kinds[asked.n],
        in_state_versions[asked.n], in_build_ids[asked.n], in_key_ids[asked.n], in_nonces[asked.n],
        substring(in_ciphertexts from asked.at::integer for in_sizes[asked.n]), false,
        in_done[asked.n], in_total[asked.n], in_notes[asked.n]);
      outcomes[asked.n] := case when saved then 'saved' else 'refused' end;
    else
      outcomes[asked.n] := 'busy';
    end if;
  end loop;
  return outcomes;
end
$$;

-- save_checkpoint for an effect and its checkpoint in one statement: a refusal undoes the effect.
create function lockkeeper.save_checkpoint_or_fail(
  in_key text, in_claim uuid, in_epoch bigint, in_seq bigint, in_kind text, in_state_version integer, in_build_id text,
  in_key_id text, in_nonce bytea, in_ciphertext bytea, in_with_effect boolean,
  in_done double precision, in_total double precision, in_note text)
returns void
language plpgsql as $$
begin
  -- As a transaction of the claim is named, until it ends: whoever ends the claim ends this session, however long the effect takes.
  perform set_config('application_name', 'lockkeeper slice ' || in_claim, true);
  if not lockkeeper.save_checkpoint(in_key, in_claim, in_epoch, in_seq, in_kind, in_state_version, in_build_id, in_key_id,
      in_nonce, in_ciphertext, in_with_effect, in_done, in_total, in_note) then
    raise exception 'checkpoint % of % was refused', in_seq, in_key using errcode = 'LK002';
  end if;
end
$$;

-- The same state or result, encrypted by another key. False: the row is not there any more, or is another one by now.
create function lockkeeper.reseal_checkpoint(
  in_key text, in_seq bigint, in_old_key_id text, in_old_sha256 bytea, in_key_id text, in_nonce bytea, in_ciphertext bytea)
returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update lockkeeper._checkpoints p set key_id = in_key_id, nonce = in_nonce, ciphertext = in_ciphertext
    where p.key = in_key and p.seq = in_seq and p.key_id = in_old_key_id and sha256(p.ciphertext) = in_old_sha256;
  return found;
end
$$;

-- The same of the texts of a job. False: they are others by now.
create function lockkeeper.reseal_texts(
  in_key text, old_note text, old_reason text, old_went_back text, old_findings text,
  new_note text, new_reason text, new_went_back text, new_findings text)
returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update lockkeeper._jobs j set progress_note = new_note, reason = new_reason, went_back = new_went_back,
      findings = new_findings::jsonb
    where j.key = in_key and j.progress_note is not distinct from old_note and j.reason is not distinct from old_reason
      and j.went_back is not distinct from old_went_back and j.findings::text is not distinct from old_findings;
  return found;
end
$$;

-- Tells the workers that a gate changed; they read the row, the message is only a nudge.
create function lockkeeper._gate_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('lockkeeper_gate', new.namespace || '/' || new.task_queue);
  return new;
end
$$;
create trigger gate_changed after insert or update of state on lockkeeper._gates
  for each row execute function lockkeeper._gate_changed();

create view lockkeeper.gates as
  select g.*,
    (select count(*) from lockkeeper._claims c where c.namespace = g.namespace and c.task_queue = g.task_queue
       and c.state = 'running')::integer as running_slices,
    (select count(*) from lockkeeper._claims c where c.namespace = g.namespace and c.task_queue = g.task_queue
       and c.state = 'fenced')::integer as fenced_not_stopped
  from lockkeeper._gates g;

create view lockkeeper.jobs as
  select j.key, j.namespace, j.workflow_id, j.name, j.task_queue, j.owner, j.state, j.seq, j.epoch, j.losses, j.interruptions,
    j.progress_done, j.progress_total, j.progress_note, j.reason, j.effect_seq, j.findings, j.went_back, j.went_back_at, j.created_at, j.changed_at,
    (select max(p.at) from lockkeeper._checkpoints p where p.key = j.key) as last_checkpoint_at,
    c.worker, c.build_id, w.host, w.pid,
    -- The deploy behind whose closed gate it waits.
    case when j.claim is null and j.state in ('running', 'interrupted', 'waiting') then
      (select g.owner_deploy from lockkeeper._gates g
        where g.namespace = j.namespace and g.task_queue = j.task_queue and g.state = 'closed') end as gate_closed_by
  from lockkeeper._jobs j
  left join lockkeeper._claims c on c.claim = j.claim
  left join lockkeeper._workers w on w.id = c.worker;

create view lockkeeper.claims as
  select claim, key, epoch, namespace, task_queue, worker, build_id, workflow_id, state, seq, atomic_until,
    started_at, ended_at, end_reason
  from lockkeeper._claims;

create view lockkeeper.checkpoints as select key, seq, kind, state_version, build_id, key_id, at from lockkeeper._checkpoints;
-- Without parameters, commands and environments of steps, and guards: who may look on need not know them.
create view lockkeeper.deploys as
  select namespace, environment, id, plan, request ->> 'version' as version, requested_by, requested_at, approved_at,
    approval_order, scheduled_for, expedited_order, through_freeze, turn_at, code, direction, outcome, outcome_reason, run_ids, lock_granted_at, finished_at, archived
  from lockkeeper._deploys;
create view lockkeeper.deploy_steps as
  select namespace, environment, deploy, n, name, type, state, run_id, result, started_at, ended_at
  from lockkeeper._deploy_steps;
create view lockkeeper.events as select * from lockkeeper._events;
create view lockkeeper.workers as
  select id, kind, build_id, task_queues, host, pid, started_at, stopping_at, stopped_at from lockkeeper._workers;
