import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { saveCheckpoint } from '../../src/ledger/checkpoints.ts';
import { claimSlice } from '../../src/ledger/claims.ts';
import { ensureGate } from '../../src/ledger/gates.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { connectAs, freshLogin, outcomeOf, run } from '../support/logins.ts';

const ledger = await freshLedger();
const owner = ledger.databaseUrl;
const reader = await connectAs(await freshLogin(owner, 'in role lockkeeper_reader'));
const REFUSED = '42501';
/** Of a view that joins or counts, whoever asks. */
const NOT_UPDATABLE = '55000';
const VIEWS = [
  'gates',
  'jobs',
  'claims',
  'checkpoints',
  'deploys',
  'deploy_steps',
  'approvals',
  'environments',
  'events',
  'workers',
  'notices',
];

/** Stands in everything that a reader may not see. */
const MARKER = 'open-sesame';

beforeAll(async () => {
  const claim = randomUUID();
  await ensureGate(ledger, 'e', 'q');
  const who = { claim, key: 'k', workflowId: 'w', job: 'j', taskQueue: 'q', worker: randomUUID(), buildId: 'v1' };
  await claimSlice(ledger, { ...who, taskToken: Buffer.from(MARKER), seq: 0 });
  for (const [index, kind] of (['state', 'state', 'done'] as const).entries()) {
    const sealed = { keyId: 'none', nonce: Buffer.alloc(0), ciphertext: Buffer.from(JSON.stringify(MARKER)) };
    const written = { buildId: 'v1', withEffect: false };
    const checkpoint = { seq: index + 1, kind, stateVersion: 1, ...written, ...sealed, progress: { done: index } };
    expect(await saveCheckpoint(ledger.pool, { key: 'k', claim, epoch: 1 }, checkpoint)).toBe(true);
  }
  const json = JSON.stringify({
    steps: [{ command: { argv: ['deploy', MARKER], env: { TOKEN: MARKER } } }],
    parameters: { token: MARKER },
  });
  await run(
    owner,
    `update lockkeeper._checkpoints set nonce = '${MARKER}', key_id = 'none'`,
    `insert into lockkeeper._deploys (namespace, environment, id, request, request_hash, plan, resolved_plan, requested_by)
       values ('test', 'e', 'd', '${json}', '', 'default', '${json}', 'me')`,
    `insert into lockkeeper._deploy_steps (namespace, environment, deploy, n, name, type, guard)
       values ('test', 'e', 'd', 1, 'one', 'command', '${json}')`,
    `insert into lockkeeper._approvals (namespace, environment, deploy, person, act) values ('test', 'e', 'd', 'ann', 'approve')`,
    `insert into lockkeeper._environments (namespace, environment) values ('test', 'e')`,
    `insert into lockkeeper._leases (namespace, environment, deploy, n, attempt, nonce, task_token)
       values ('test', 'e', 'd', 1, 1, '${MARKER}', '${MARKER}')`,
    `insert into lockkeeper._events (namespace, environment, actor, event) values ('test', 'e', 'me', 'gateOpened')`,
    'create schema app',
    'create table app.customer (name text)',
  );
});

test.each(VIEWS)('a reader may read the view %s', async (view) => {
  expect(await outcomeOf(reader, `select * from lockkeeper.${view}`)).toBe('done');
});

test('a reader may read and write nothing else of what is there, and call no function', async () => {
  const { relations, functions } = await objects();
  expect(relations).toEqual(expect.arrayContaining([...VIEWS, '_checkpoints', '_claims', '_leases', '_migrations']));
  expect(functions.map((one) => one.name)).toContain('end_claim');
  for (const name of relations) {
    if (!VIEWS.includes(name)) expect(await outcomeOf(reader, `select from lockkeeper.${name}`), name).toBe(REFUSED);
    for (const write of [`delete from lockkeeper.${name}`, `insert into lockkeeper.${name} default values`])
      expect([REFUSED, NOT_UPDATABLE], write).toContain(await outcomeOf(reader, write));
  }
  for (const { name, args } of functions) {
    const call = `select lockkeeper.${name}(${Array(args).fill('null').join(', ')})`;
    expect(await outcomeOf(reader, call), call).toBe(REFUSED);
  }
});

test.each([
  ['take a fencing token', `select nextval('lockkeeper._fencing_token')`],
  ['create in the schema', 'create table lockkeeper.mine (n integer)'],
  ['drop a view', 'drop view lockkeeper.events'],
  ['replace a view', 'create or replace view lockkeeper.workers as select 1'],
  ['read a table of the application', 'select * from app.customer'],
  [
    'end a session of others',
    `select pg_terminate_backend(pid) from pg_stat_activity where usename <> current_user and datname = current_database()`,
  ],
])('a reader may not %s', async (_what, statement) => {
  expect(await outcomeOf(reader, statement)).toBe(REFUSED);
});

test('no state, token, nonce, command or parameter is seen by a reader, in any form', async () => {
  const { relations } = await objects();
  const seen: string[] = [];
  for (const name of relations) {
    if ((await outcomeOf(reader, `select from lockkeeper.${name}`)) !== 'done') continue;
    seen.push(name);
    const { rows } = await reader.query<{ row: string }>(`select v::text as row from lockkeeper.${name} v`);
    expect(rows.length, name).toBeGreaterThan(['workers', 'notices'].includes(name) ? -1 : 0);
    const text = rows.map((one) => one.row).join('\n');
    for (const form of [MARKER, Buffer.from(MARKER).toString('hex'), Buffer.from(MARKER).toString('base64')])
      expect(text, name).not.toContain(form);
  }
  expect(seen.sort()).toEqual([...VIEWS].sort());
  // The owner does see it: it is there.
  const { rows } = await ledger.pool.query<{ row: string }>('select c::text as row from lockkeeper._checkpoints c');
  expect(rows[0]!.row).toContain(Buffer.from(MARKER).toString('hex'));
});

test('a login that is a member of no role of the ledger sees nothing', async () => {
  const nobody = await connectAs(await freshLogin(owner));
  for (const view of VIEWS) expect(await outcomeOf(nobody, `select from lockkeeper.${view}`)).toBe(REFUSED);
});

/** Tables, views and functions of the schema; functions with their number of arguments. */
async function objects(): Promise<{ relations: string[]; functions: { name: string; args: number }[] }> {
  const relations = await ledger.pool.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'lockkeeper'::regnamespace and relkind in ('r', 'v', 'm', 'p', 'f')`,
  );
  // A trigger function cannot be called, whatever the rights.
  const functions = await ledger.pool.query<{ name: string; args: number }>(
    `select proname as name, pronargs as args from pg_proc
     where pronamespace = 'lockkeeper'::regnamespace and prorettype <> 'trigger'::regtype`,
  );
  return { relations: relations.rows.map((row) => row.name), functions: functions.rows };
}
