import { beforeAll, describe, expect, test } from 'vitest';
import { freshLedger } from '../support/fresh-ledger.ts';
import { connectAs, freshLogin, outcomeOf, run } from '../support/logins.ts';

const ledger = await freshLedger();
const owner = ledger.databaseUrl;
const REFUSED = '42501';
const worker = await connectAs(await freshLogin(owner, 'in role lockkeeper_worker'));

/** Somebody else in the same database. */
const admin = await connectAs({ name: 'owner', url: owner });

const ID = '00000000-0000-4000-8000-000000000001';

beforeAll(async () => {
  await run(
    owner,
    `insert into lockkeeper._workers (id, kind, build_id, task_queues, host, pid) values ('${ID}', 'worker', 'v1', '{q}', 'here', 1)`,
    `insert into lockkeeper._gates (namespace, task_queue, environment) values ('test', 'q', 'e')`,
    `insert into lockkeeper._jobs (key, namespace, workflow_id, name, task_queue) values ('k', 'test', 'w', 'j', 'q')`,
    `insert into lockkeeper._deploys (namespace, environment, id, request, request_hash, plan, requested_by)
       values ('test', 'e', 'd', '{}', '', 'default', 'me')`,
    `insert into lockkeeper._events (namespace, environment, actor, event) values ('test', 'e', 'me', 'gateOpened')`,
    'create schema app',
    'create table app.customer (name text)',
  );
});

describe('a member of lockkeeper_worker may', () => {
  test.each([
    ['see which migrations there are', 'select name from lockkeeper._migrations'],
    ['see whose ledger it is', 'select * from lockkeeper._ledger'],
    ['bind a ledger that is nobody’s', `select lockkeeper.bind_ledger('cluster', 'test')`],
    [
      'register a worker',
      `insert into lockkeeper._workers (id, kind, build_id, task_queues, host, pid) values ('${ID}', 'worker', 'v2', '{q}', 'here', 2)
       on conflict (id) do update set stopping_at = null, stopped_at = null returning session_lock`,
    ],
    ['see who lives', 'select * from lockkeeper._session_locks'],
    ['make a gate', `insert into lockkeeper._gates (namespace, task_queue, environment) values ('test', 'q2', 'e')`],
    ['read a gate for a claim', `select * from lockkeeper._gates where task_queue = 'q' for share`],
    [
      'close a gate',
      `update lockkeeper._gates set state = 'closed', generation = 1, owner_deploy = 'd', owner_token = 1, changed_at = now()`,
    ],
    [
      'begin a slice',
      `select lockkeeper.claim_slice('${ID}', 'k', 'test', 'w', 'j', 'q', '${ID}', 'v1', '', 0, null, null, 5, null, null, false, 'quarantine')`,
    ],
    [
      'save a checkpoint',
      `select lockkeeper.save_checkpoint('k', '${ID}', 1, 1, 'state', 1, 'v1', 'none', '', '', false, null, null, null)`,
    ],
    [
      'save the checkpoints of several jobs',
      `select lockkeeper.save_checkpoints('{k}', '{${ID}}', '{1}', '{1}', '{state}', '{1}', '{v1}', '{none}', '{""}', '{0}', '', '{null}', '{null}', '{null}')`,
    ],
    ['load a checkpoint', 'select * from lockkeeper._checkpoints'],
    ['end a slice', `select * from lockkeeper.end_claim('${ID}', 'released', 'done')`],
    ['end what a worker that is gone held', `select * from lockkeeper.worker_gone('${ID}', 'gone')`],
    ['end the sessions of a slice', `select lockkeeper.end_sessions('${ID}')`],
    ['say how a job stands', `update lockkeeper._jobs set state = 'waiting', reason = 'because', changed_at = now()`],
    ['note that the server was told', 'update lockkeeper._claims set owed = false'],
    [
      'write a request down',
      `insert into lockkeeper._deploys (namespace, environment, id, request, request_hash, plan, requested_by, scheduled_for, approval_policy, code)
       values ('test', 'e', 'd2', '{}', '', 'default', 'me', now(), '{"count": 1}', 100)`,
    ],
    [
      'write down who approves it',
      `insert into lockkeeper._approvals (namespace, environment, deploy, person, act) values ('test', 'e', 'd', 'ann', 'approve')`,
    ],
    [
      'give a deploy its place in the order',
      `update lockkeeper._deploys set approved_at = now(), approval_order = nextval('lockkeeper._approval_order'), code = 200 where id = 'd'`,
    ],
    [
      'hold the order of an environment, and freeze it',
      `with held as (insert into lockkeeper._environments (namespace, environment) values ('test', 'e') on conflict do nothing)
       update lockkeeper._environments set frozen = '{}' where environment in
         (select environment from lockkeeper._environments for update)`,
    ],
    [
      'take a fencing token',
      `update lockkeeper._deploys set fencing_token = nextval('lockkeeper._fencing_token'), code = 300`,
    ],
    [
      'write down a step, and how it goes',
      `with step as (insert into lockkeeper._deploy_steps (namespace, environment, deploy, n, name, type)
         values ('test', 'e', 'd', 1, 'one', 'command') returning n)
       update lockkeeper._deploy_steps set state = 'done', ended_at = now() where n in (select n from step)`,
    ],
    [
      'give out a lease',
      `insert into lockkeeper._leases (namespace, environment, deploy, n, attempt, nonce, task_token)
       values ('test', 'e', 'd', 1, 1, 'nonce', '') on conflict (namespace, environment, deploy, n, attempt)
       do update set nonce = excluded.nonce, task_token = excluded.task_token, at = now()`,
    ],
    [
      'add to the record',
      `insert into lockkeeper._events (namespace, environment, actor, event) values ('test', 'e', 'me', 'gateClosed')`,
    ],
    [
      'say whom to tell',
      `insert into lockkeeper._receivers (namespace, environment, name, events, to_owner, until)
       values ('test', 'e', 'hook', '{job.failed}', false, now()) on conflict (namespace, environment, name) do update set until = now()`,
    ],
    ['take a notice', `update lockkeeper._notices set attempts = attempts + 1, due_at = now() returning facts`],
    [
      'note that a notice was told, and remove it',
      `with told as (update lockkeeper._notices set state = 'delivered' returning number) delete from lockkeeper._notices`,
    ],
    ['listen for gates', 'listen lockkeeper_gate'],
    ['hold its session lock', 'select pg_advisory_xact_lock(1280005963, 1)'],
  ])('%s', async (_what, statement) => {
    expect(await outcomeOf(worker, statement)).toBe('done');
  });
});

describe('a member of lockkeeper_worker may not', () => {
  test.each([
    ['drop a table', 'drop table lockkeeper._events'],
    ['drop the schema', 'drop schema lockkeeper cascade'],
    ['empty a table', 'truncate lockkeeper._claims'],
    ['alter a table', 'alter table lockkeeper._gates add column extra text'],
    ['alter a function', 'alter function lockkeeper.end_claim security invoker'],
    [
      'replace a function',
      `create or replace function lockkeeper.is_drained(text, text) returns boolean language sql as 'select true'`,
    ],
    [
      'put a trigger on a table',
      'create trigger mine before insert on lockkeeper._events execute function lockkeeper._gate_changed()',
    ],
    ['switch the triggers of a table off', 'alter table lockkeeper._gates disable trigger all'],
    ['create anything in the schema', 'create table lockkeeper.mine (n integer)'],
    ['become the owner', 'alter table lockkeeper._events owner to current_user'],
    ['create a role', 'create role lockkeeper_test_mine'],
    ['change the record', `update lockkeeper._events set actor = 'somebody else'`],
    ['delete from the record', 'delete from lockkeeper._events'],
    ['change what somebody said about an approval', `update lockkeeper._approvals set person = 'somebody else'`],
    ['delete an approval', 'delete from lockkeeper._approvals'],
    [
      'approve at a time of its own',
      `insert into lockkeeper._approvals (namespace, environment, deploy, person, act, at) values ('test', 'e', 'd', 'x', 'approve', '2001-01-01')`,
    ],
    ['ask for fewer approvals afterwards', `update lockkeeper._deploys set approval_policy = '{"count": 0}'`],
    [
      'add to the record with a time of its own',
      `insert into lockkeeper._events (namespace, environment, actor, event, at) values ('test', 'e', 'me', 'x', '2001-01-01')`,
    ],
    ['bind the ledger to another cluster', `update lockkeeper._ledger set cluster_id = 'mine'`],
    ['give the ledger another id', 'update lockkeeper._ledger set id = gen_random_uuid()'],
    ['say that it is of another version', 'update lockkeeper._ledger set breaking = 7'],
    ['say that a migration was applied', `insert into lockkeeper._migrations (name, run_on) values ('009', now())`],
    [
      'write a checkpoint past the fence',
      `insert into lockkeeper._checkpoints (key, seq, kind, state_version, build_id, key_id, nonce, ciphertext) values ('k', 1, 'state', 1, 'v1', 'none', '', '')`,
    ],
    ['change a checkpoint', `update lockkeeper._checkpoints set ciphertext = ''`],
    ['delete a checkpoint', 'delete from lockkeeper._checkpoints'],
    ['set a job back', 'update lockkeeper._jobs set seq = 0'],
    ['take a job', `update lockkeeper._jobs set claim = '${ID}', epoch = 9`],
    ['delete a job', 'delete from lockkeeper._jobs'],
    ['bring a fenced claim back', `update lockkeeper._claims set state = 'running'`],
    ['delete a claim', 'delete from lockkeeper._claims'],
    ['delete a gate', 'delete from lockkeeper._gates'],
    ['give a queue to another environment', `update lockkeeper._gates set environment = 'other'`],
    ['change what was requested', `update lockkeeper._deploys set request = '{}'`],
    ['change who requested it', `update lockkeeper._deploys set requested_by = 'somebody else'`],
    ['delete a deploy', 'delete from lockkeeper._deploys'],
    ['delete a step', 'delete from lockkeeper._deploy_steps'],
    ['make another step of one', `update lockkeeper._deploy_steps set type = 'wait'`],
    ['delete a lease', 'delete from lockkeeper._leases'],
    ['delete a worker', 'delete from lockkeeper._workers'],
    ['take the session lock of another worker', 'update lockkeeper._workers set session_lock = default'],
    ['tell what did not happen', `select lockkeeper._notify('test', 'e', 'job.failed', 'w', 'j', null, '{}')`],
    [
      'write a notice by hand',
      `insert into lockkeeper._notices (id, namespace, environment, receiver, event, subject, facts)
       values ('${ID}', 'test', 'e', 'hook', 'job.failed', 'w', '{}')`,
    ],
    ['change what a notice tells', `update lockkeeper._notices set facts = '{}'`],
    ['set fencing tokens back', `select setval('lockkeeper._fencing_token', 1)`],
    ['write through a view', `update lockkeeper.events set actor = 'me'`],
    ['read a table of the application', 'select * from app.customer'],
    ['create in a schema of the application', 'create table app.mine (n integer)'],
    [
      'end the session of its administrator',
      `select pg_terminate_backend(pid) from pg_stat_activity where usename <> current_user and datname = current_database()`,
    ],
  ])('%s', async (_what, statement) => {
    expect(await outcomeOf(worker, statement)).toBe(REFUSED);
  });

  test('hand its rights on: Postgres warns, and grants nothing', async () => {
    await worker.query('grant select on lockkeeper._claims to public');
    const nobody = await connectAs(await freshLogin(owner));
    expect(await outcomeOf(nobody, 'select from lockkeeper._claims')).toBe(REFUSED);
  });

  test('bind a ledger again that is bound: nothing changes', async () => {
    await run(owner, `update lockkeeper._ledger set cluster_id = 'theirs', namespace = 'theirs'`);
    await worker.query(`select lockkeeper.bind_ledger('mine', 'mine')`);
    const { rows } = await worker.query('select cluster_id, namespace from lockkeeper._ledger');
    expect(rows).toEqual([{ cluster_id: 'theirs', namespace: 'theirs' }]);
  });

  test('use the rights of the owner through objects of its own that carry the names of ours', async () => {
    // A temporary table comes first in a careless search_path, and a function of that name would run as the owner.
    await worker.query('create temporary table _ledger (cluster_id text, namespace text)');
    await worker.query(
      `create function pg_temp.pg_has_role(oid, oid, text) returns boolean language sql as 'select true'`,
    );
    await worker.query('set search_path = pg_temp, lockkeeper, pg_catalog');
    const { rows } = await admin.query<{ pid: number }>('select pg_backend_pid() as pid');
    expect((await worker.query('select lockkeeper._end_session($1, $2) as ended', [rows[0]!.pid, ID])).rows).toEqual([
      { ended: false },
    ]);
    await worker.query(`select lockkeeper.bind_ledger('mine', 'mine')`);
    expect((await worker.query('select * from pg_temp._ledger')).rows).toEqual([]);
    await worker.query('reset search_path');
  });
});
