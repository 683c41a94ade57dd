import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { errorMessage, isLockkeeperError } from '../../src/errors.ts';
import { endProcess, isRunning, readRecord, recordOf } from '../../src/dev/processes.ts';
import { startDev, type DevEnvironment, type StartDevOptions } from '../../src/dev/start.ts';

/** The first start on a machine downloads the Temporal CLI. */
const STARTS = 180_000;

let dir: string;
let lines: string[];
let started: DevEnvironment[];
let children: ChildProcess[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockkeeper-dev-'));
  // As root, Postgres runs as somebody else, who must be able to enter it.
  await chmod(dir, 0o755);
  lines = [];
  started = [];
  children = [];
});

afterEach(async () => {
  for (const dev of started) await dev.stop();
  for (const child of children) child.kill('SIGKILL');
  // A failed test leaves nothing running either.
  for (const found of [record('temporal'), record('postgres')]) if (found) await endProcess(found, 'SIGTERM', 10_000);
  await rm(dir, { recursive: true, force: true });
}, 60_000);

async function start(options: Partial<StartDevOptions> = {}): Promise<DevEnvironment> {
  const log = (line: string) => lines.push(line);
  const dev = await startDev({ dir, searchAttributes: {}, durable: false, log, ...options });
  started.push(dev);
  return dev;
}

/** In a process group of its own, as a terminal would start it. */
async function startInAnotherProcess(): Promise<{ pid: number; databaseUrl: string; said: () => Promise<string> }> {
  const script = fileURLToPath(new URL('./start-and-wait.ts', import.meta.url));
  const child = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  children.push(child);
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`it ended with exit code ${code}`)));
  const said = async () => String(((await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer])[0]).trim();
  return { pid: child.pid ?? 0, databaseUrl: await said(), said };
}

function record(server: 'temporal' | 'postgres') {
  return readRecord(join(dir, `${server}.pid`));
}

async function gone(server: 'temporal' | 'postgres'): Promise<void> {
  const found = record(server);
  if (found) await expect.poll(() => isRunning(found), { timeout: 20_000 }).toBe(false);
}

/** The pids of the servers' guards. */
function guards(): number[] {
  const parent = (pid: number) => Number(execFileSync('ps', ['-o', 'ppid=', '-p', `${pid}`], { encoding: 'utf8' }));
  return [record('temporal'), record('postgres')].map((found) => parent(found?.pid ?? 0));
}

async function kill(victims: number[]): Promise<void> {
  const killed = victims.map((pid) => recordOf(pid));
  for (const pid of victims) process.kill(pid, 'SIGKILL');
  await expect.poll(() => killed.some((victim) => victim && isRunning(victim))).toBe(false);
}

async function sql(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function withTemporal<T>(dev: DevEnvironment, body: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: dev.temporalAddress });
  try {
    return await body(new Client({ connection, namespace: dev.namespace }));
  } finally {
    await connection.close();
  }
}

test('a start on the data of an earlier one finds its workflow and its row', { timeout: STARTS }, async () => {
  const first = await start({ searchAttributes: { LockkeeperKind: 'Keyword' } });
  await withTemporal(first, (client) =>
    client.workflow.start('job', {
      taskQueue: 'imports',
      workflowId: 'import-1',
      searchAttributes: { LockkeeperKind: ['job'] },
    }),
  );
  await sql(first.databaseUrl, 'create table city as select 1 as id');
  await Promise.all([first.stop(), first.stop()]);
  expect([record('temporal'), record('postgres')].map((found) => found && isRunning(found))).toEqual([false, false]);

  const second = await start({ searchAttributes: { LockkeeperKind: 'Keyword', LockkeeperState: 'Keyword' } });
  expect(await sql(second.databaseUrl, 'select id from city')).toEqual([{ id: 1 }]);
  await withTemporal(second, async (client) => {
    const { status, searchAttributes } = await client.workflow.getHandle('import-1').describe();
    expect(status.name).toBe('RUNNING');
    expect(searchAttributes).toMatchObject({ LockkeeperKind: ['job'] });
    // An attribute that the earlier start did not know can be used at once.
    await client.workflow.start('job', {
      taskQueue: 'imports',
      workflowId: 'import-2',
      searchAttributes: { LockkeeperState: ['new'] },
    });
  });
});

test('another namespace than default is created', { timeout: STARTS }, async () => {
  const dev = await start({
    env: { ...process.env, TEMPORAL_NAMESPACE: 'imports' },
    searchAttributes: { LockkeeperKind: 'Keyword' },
  });
  expect(dev.namespace).toBe('imports');
  await withTemporal(dev, (client) => client.workflow.start('job', { taskQueue: 'imports', workflowId: 'import-1' }));
});

test('the password is kept from other users, and nobody gets in without it', { timeout: STARTS }, async () => {
  const dev = await start({ env: { ...process.env, TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  const anyone = new URL(dev.databaseUrl);
  anyone.password = 'guess';
  await expect(sql(anyone.href, 'select 1')).rejects.toThrow(/password authentication failed/);
  const file = join(dir, 'postgres', 'password');
  expect(await readFile(file, 'utf8')).toBe(new URL(dev.databaseUrl).password);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test(
  'a second start on the same directory is refused, and names the process that has it',
  { timeout: STARTS },
  async () => {
    const { pid } = await startInAnotherProcess();
    await expect(start()).rejects.toThrow(`run by process ${pid} already`);
  },
);

test('Ctrl-C reaches the process that started them, and not the servers', { timeout: STARTS }, async () => {
  const { pid, databaseUrl, said } = await startInAnotherProcess();
  process.kill(-pid, 'SIGINT');
  expect(await said()).toBe('interrupted');
  expect(await sql(databaseUrl, 'select 1 as id')).toEqual([{ id: 1 }]);
  expect([record('temporal'), record('postgres')].map((found) => found && isRunning(found))).toEqual([true, true]);
});

test(
  'SIGKILL of the process that started them: neither server is left, and the next start works',
  { timeout: STARTS },
  async () => {
    const { pid, databaseUrl } = await startInAnotherProcess();
    await sql(databaseUrl, 'create table city as select 1 as id');
    await kill([pid]);
    await gone('temporal');
    await gone('postgres');
    const dev = await start();
    expect(await sql(dev.databaseUrl, 'select id from city')).toEqual([{ id: 1 }]);
  },
);

test('SIGKILL of it and of the guards: the next start ends the servers left over', { timeout: STARTS }, async () => {
  const { pid, databaseUrl } = await startInAnotherProcess();
  await sql(databaseUrl, 'create table city as select 1 as id');
  const before = [record('temporal'), record('postgres')];
  await kill([...guards(), pid]);
  const dev = await start();
  expect(lines.filter((line) => line.includes('left over'))).toHaveLength(2);
  expect(before.map((found) => found && isRunning(found))).toEqual([false, false]);
  expect(await sql(dev.databaseUrl, 'select id from city')).toEqual([{ id: 1 }]);
});

test('SIGKILL of everything at once, in the middle of a query: the next start works', { timeout: STARTS }, async () => {
  const { pid, databaseUrl } = await startInAnotherProcess();
  await sql(databaseUrl, 'create table city as select 1 as id');
  const lost = expect(sql(databaseUrl, 'select count(*) from generate_series(1, 100000000) a')).rejects.toThrow();
  const servers = [record('temporal'), record('postgres')].map((found) => found?.pid ?? 0);
  await kill([...guards(), pid, ...servers]);
  const dev = await start();
  expect(await sql(dev.databaseUrl, 'select id from city')).toEqual([{ id: 1 }]);
  await lost;
});

test(
  'a port that is taken: an error with the port, the other server is stopped, the directory is free',
  { timeout: STARTS },
  async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(start({ temporalPort: port })).rejects.toThrow(`port ${port}, asked for by Temporal, is in use`);
    await gone('postgres');
    await expect(start({ postgresPort: port })).rejects.toThrow(`port ${port}, asked for by Postgres, is in use`);
    await gone('temporal');
    other.close();
  },
);

test.runIf(process.getuid?.() === 0)(
  'root, in a directory that nobody else can enter: the data is elsewhere, and the next start finds it',
  { timeout: STARTS },
  async () => {
    await chmod(dir, 0o700);
    const env = { ...process.env, TEMPORAL_ADDRESS: '127.0.0.1:1' };
    const first = await start({ env });
    await sql(first.databaseUrl, 'create table city as select 1 as id');
    await first.stop();
    const second = await start({ env });
    expect(await sql(second.databaseUrl, 'select id from city')).toEqual([{ id: 1 }]);
    await second.stop();

    const elsewhere = await readFile(join(dir, 'postgres', 'moved-to'), 'utf8');
    expect(lines.filter((line) => line.includes(`Postgres data is in ${elsewhere}`))).toHaveLength(1);
    await rm(elsewhere, { recursive: true });
  },
);

test('a server that ends by itself is said so in the log', { timeout: STARTS }, async () => {
  await start({ env: { ...process.env, TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  process.kill(record('postgres')?.pid ?? 0, 'SIGKILL');
  await expect.poll(() => lines.join('\n')).toMatch(/Postgres \(pid \d+\) ended by itself/);
});

test('TEMPORAL_ADDRESS and DATABASE_URL replace both servers', async () => {
  const env = { TEMPORAL_ADDRESS: 'temporal.example:7233', DATABASE_URL: 'postgres://example/lockkeeper' };
  const dev = await start({ env });
  expect(dev).toMatchObject({
    temporalAddress: env.TEMPORAL_ADDRESS,
    namespace: 'default',
    databaseUrl: env.DATABASE_URL,
  });
  expect(dev.uiUrl).toBeUndefined();
});

test('a Postgres that cannot start: the error holds the end of its log', { timeout: STARTS }, async () => {
  const env = { ...process.env, TEMPORAL_ADDRESS: '127.0.0.1:1' };
  const dev = await start({ env });
  await dev.stop();
  await writeFile(join(dir, 'postgres', 'data', 'PG_VERSION'), '9.6\n');
  const error: unknown = await start({ env }).catch((reason: unknown) => reason);
  expect(isLockkeeperError(error, 'LEDGER_UNREACHABLE')).toBe(true);
  expect(errorMessage(error)).toContain('database files are incompatible with server');
});
