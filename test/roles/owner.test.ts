import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startPostgres } from '../../src/dev/postgres.ts';
import { atEnd } from '../support/at-end.ts';
import { connectAs, freshLogin, outcomeOf, run } from '../support/logins.ts';
import type { Login } from '../support/logins.ts';
import { Processes } from '../support/processes.ts';
import { ownedLedger } from './owned-ledger.ts';

const VIEW = 'select from lockkeeper.gates';

async function lockkeeper(
  login: Login,
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const command = new Processes().lockkeeper(args, { env: { DATABASE_URL: login.url } });
  const { code } = await command.ended({ within: 30_000 });
  return { code, stdout: command.stdout, stderr: command.stderr };
}

/** A cluster that has never seen a ledger: it has no roles of one. */
async function freshCluster(): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'lockkeeper-roles-'));
  await chmod(dir, 0o755);
  const postgres = await startPostgres({ dir, durable: false, log: () => undefined });
  atEnd(async () => {
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  });
  return postgres.url;
}

test('an owner who may create roles creates them, and says how somebody becomes a member', async () => {
  const admin = await freshCluster();
  const owner = await freshLogin(admin, 'createrole');
  await run(admin, `alter database lockkeeper owner to ${owner.name}`);
  const { code, stdout } = await lockkeeper(owner, 'ledger', 'migrate');
  expect(code).toBe(0);
  expect(stdout).toContain('the ledger is up to date');
  expect(stdout).toContain('in role lockkeeper_worker;');
  expect(stdout).toContain('in role lockkeeper_reader;');
  // As it says; by the owner itself.
  const worker = await freshLogin(owner.url, 'in role lockkeeper_worker', admin);
  expect(await outcomeOf(await connectAs(worker), VIEW)).toBe('done');
});

test('an owner who may not: it is migrated, and an administrator is told what to create; once more grants the rights', async () => {
  const admin = await freshCluster();
  const owner = await freshLogin(admin);
  await run(admin, `alter database lockkeeper owner to ${owner.name}`);
  const first = await lockkeeper(owner, 'ledger', 'migrate');
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toContain(
    'Missing, and this user may not create roles; until they are there, only the owner can do what they are for',
  );
  expect(JSON.parse((await lockkeeper(owner, 'ledger', 'migrate', '--json')).stdout)).toEqual({
    migrated: true,
    roles: { granted: [], missing: ['lockkeeper_worker', 'lockkeeper_reader'] },
  });
  // What it says to an administrator.
  const statements = first.stdout.split('\n').filter((line) => line.startsWith('  create role'));
  expect(statements).toHaveLength(2);
  await run(admin, ...statements);
  const worker = await freshLogin(admin, 'in role lockkeeper_worker');
  const client = await connectAs(worker);
  expect(await outcomeOf(client, VIEW)).toBe('42501');
  expect((await lockkeeper(owner, 'ledger', 'migrate')).stdout).not.toContain('may not create roles');
  expect(await outcomeOf(client, VIEW)).toBe('done');
});

test('a worker that migrates: nothing is to be done, or it is refused with the login that may', async () => {
  const { admin, owner } = await ownedLedger();
  const worker = await freshLogin(admin, 'in role lockkeeper_worker');
  expect(await lockkeeper(worker, 'ledger', 'migrate')).toEqual({
    code: 0,
    stdout: 'the ledger is up to date\n',
    stderr: '',
  });
  expect(JSON.parse((await lockkeeper(worker, 'ledger', 'migrate', '--json')).stdout)).toEqual({ migrated: true });
  await run(owner.url, 'delete from lockkeeper._migrations');
  const refused = await lockkeeper(worker, 'ledger', 'migrate');
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain('`lockkeeper ledger migrate` needs the one that owns the ledger [LEDGER_DENIED]');
});

test('two ledgers in one cluster: a login sees only the one in whose database it may connect', async () => {
  const [staging, production] = [await ownedLedger(), await ownedLedger()];
  const worker = await freshLogin(staging.admin, 'in role lockkeeper_worker');
  const database = (url: string) => new URL(url).pathname.slice(1);
  for (const { admin, owner } of [staging, production])
    await run(owner.url, `revoke connect on database ${database(admin)} from public`);
  await run(staging.owner.url, `grant connect on database ${database(staging.admin)} to ${worker.name}`);
  expect(await outcomeOf(await connectAs(worker), VIEW)).toBe('done');
  const other = new URL(worker.url);
  other.pathname = new URL(production.admin).pathname;
  await expect(connectAs({ name: worker.name, url: other.href })).rejects.toMatchObject({ code: '42501' });
});
