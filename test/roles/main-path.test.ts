import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, test } from 'vitest';
import { EFFECT_TABLE } from '../app/count-job.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { freshNamespace } from '../support/fresh-namespace.ts';
import { freshLogin, run } from '../support/logins.ts';
import { isJobNotice } from '../../src/notices/notice.ts';
import { SECRET, WebReceiver } from '../notices/web-receiver.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import { ownedLedger } from './owned-ledger.ts';

/** Where its lockkeeper.yaml is. */
const APP = fileURLToPath(new URL('app', import.meta.url));
const temporal = await freshNamespace();
const { admin, owner } = await ownedLedger();
const login = await freshLogin(admin, 'in role lockkeeper_worker');
// What the job's own transactions need, given by the owner of the tables.
await run(owner.url, EFFECT_TABLE, `grant select, insert on effect to ${login.name}`);
const processes = new Processes();
const dir = await mkdtemp(path.join(tmpdir(), 'lockkeeper-dev-'));
atEnd(() => rm(dir, { recursive: true }));

const receiver = await WebReceiver.open();
const env = { ...temporal.env, DATABASE_URL: login.url, NOTICES_URL: receiver.url, NOTICES_SECRET: SECRET };

function lockkeeper(args: readonly string[], more: Record<string, string> = {}): TestProcess {
  return processes.node('dist/cli/main.js', args, { cwd: APP, env: { ...env, ...more } });
}

async function serve(command: 'worker' | 'deploy-worker', more: Record<string, string> = {}): Promise<TestProcess> {
  const started = lockkeeper([command], more);
  await started.waitForLine(/worker ready/, { within: 40_000 });
  atEnd(async () => {
    started.kill('SIGTERM');
    await started.ended();
  });
  return started;
}

/** Runs a command to its end; nothing may be refused to it. */
async function said(...args: string[]): Promise<string> {
  const command = lockkeeper(args);
  const { code } = await command.ended({ within: 90_000 });
  expect({ args, code, stderr: command.stderr }).toEqual({ args, code: 0, stderr: expect.any(String) as string });
  return command.stdout;
}

async function rows<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: admin, application_name: 'lockkeeper-test' });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

const counted = async (job: string) =>
  (await rows<{ n: number }>('select n from effect where job = $1 order by n', [job])).map((row) => row.n);
const each = (to: number) => Array.from({ length: to }, (_, n) => n);

/** Law of this file: whoever works does so as the login, and nobody as its owner. */
async function expectOnlyLogin(): Promise<void> {
  const names = await rows<{ usename: string }>(
    `select distinct usename from pg_stat_activity
     where datname = current_database() and application_name like 'lockkeeper%' and application_name <> 'lockkeeper-test'`,
  );
  expect(names).toEqual([{ usename: login.name }]);
}

test('as a login that is only a member of lockkeeper_worker, everything works: jobs, deploys, the watch, notices, the command line', async () => {
  const workers = [await serve('worker'), await serve('worker', { BUILD: 'v2' })];
  await serve('deploy-worker', { OWNER_URL: owner.url });
  await said('job', 'start', 'count', '--input', '{"to":300,"everyMs":15}', '--id', 'over-a-deploy');
  await eventually(async () => expect((await counted('over-a-deploy')).length).toBeGreaterThan(10), { within: 20_000 });
  // Sits in a transaction for longer than the drain waits: given up, and its session ended.
  await said('job', 'start', 'slow', '--input', '{"seconds":12}', '--id', 'in-a-transaction');
  await eventually(
    async () =>
      expect(
        await rows(
          `select from pg_stat_activity where application_name like 'lockkeeper slice %' and query like '%pg_sleep%'`,
        ),
      ).not.toEqual([]),
    { within: 20_000 },
  );
  await expectOnlyLogin();

  await said('deploy', 'run', '--id', 'release', '--json', '--', 'true');
  const [note] = await rows(
    `select attrelid::regclass::text as table from pg_attribute where attname = 'note' and attrelid = 'effect'::regclass`,
  );
  expect(note).toEqual({ table: 'effect' });
  const given = await rows(`select detail->>'job' as job from lockkeeper.events where event = 'sliceGivenUp'`);
  expect(given).toEqual([{ job: 'in-a-transaction' }]);
  await eventually(async () => expect(await counted('over-a-deploy')).toEqual(each(300)), { within: 30_000 });
  await eventually(async () => expect(await counted('in-a-transaction')).toEqual([0]), { within: 30_000 });

  await said('job', 'start', 'count', '--input', '{"to":200,"everyMs":15}', '--id', 'over-a-kill');
  await eventually(async () => expect((await counted('over-a-kill')).length).toBeGreaterThan(10), { within: 20_000 });
  const [holder] = await rows<{ pid: number }>(`select pid from lockkeeper.jobs where workflow_id = 'over-a-kill'`);
  workers.find((one) => one.pid === holder?.pid)!.kill('SIGKILL');
  await eventually(async () => expect(await counted('over-a-kill')).toEqual(each(200)), { within: 20_000 });
  // By the watch: a heartbeat timeout would have been another attempt.
  const { events } = await temporal.client.workflow.getHandle('over-a-kill').fetchHistory();
  expect((events ?? []).filter((event) => event.activityTaskTimedOutEventAttributes)).toEqual([]);
  expect(await rows(`select state, losses from lockkeeper.jobs where workflow_id = 'over-a-kill'`)).toEqual([
    { state: 'done', losses: 1 },
  ]);

  const told = (job: string) =>
    receiver.notices.flatMap((notice) => (isJobNotice(notice) && notice.data.job.id === job ? [notice.type] : []));
  await eventually(() => expect(told('over-a-kill')).toContain('job.finished'), { within: 20_000 });

  await said('gates', 'close', '--reason', 'by hand', '--id', 'by-hand');
  expect(await said('board')).toContain('by-hand');
  await said('gates', 'open');
  expect(await said('job', 'list')).toContain('over-a-kill');
  expect(await said('deploy', 'show', 'release')).toContain('succeeded');
  await expectOnlyLogin();
}, 180_000);

test('a migrate step that names no other database is refused by Postgres, and says so', async () => {
  await serve('worker');
  await serve('deploy-worker', { OWNER_URL: owner.url });
  const deploy = lockkeeper(['deploy', 'run', '--id', 'denied', '--plan', 'without']);
  expect(await deploy.ended({ within: 90_000 })).toMatchObject({ code: 1 });
  // Told on the way when there is a look at the right moment, and with the end in any case.
  expect(deploy.stdout).toContain(
    'permission denied for schema public. The login of database `ledger` may not: let the step name one of `databases`',
  );
  expect(deploy.stderr).not.toMatch(/^ +at /m);
}, 120_000);

test('`dev` with servers that run already, as this login: the ledger is there, and nothing is to be migrated', async () => {
  const dev = processes.node('dist/cli/main.js', ['dev', '--dir', dir], { env });
  await dev.waitForLine(/Ctrl-C stops it/, { within: 20_000 });
  dev.kill('SIGINT');
  expect(await dev.ended()).toMatchObject({ code: 0 });
});
