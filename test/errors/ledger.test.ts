import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { beforeAll, expect, inject, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { databaseUrlOf, freshDatabase } from '../support/database.ts';
import { freshNamespace } from '../support/fresh-namespace.ts';
import { expectTold, folder, run, SECRET } from './command.ts';

const temporal = await freshNamespace();
const APP = fileURLToPath(new URL('../app', import.meta.url));
const LIST = ['job', 'list'];
const list = (databaseUrl: string) => run(LIST, { ...temporal.env, DATABASE_URL: databaseUrl });
const migrate = (databaseUrl: string) => run(['ledger', 'migrate'], { DATABASE_URL: databaseUrl });

const server = inject('databaseUrl');
const withUser = (url: string, user: string, password: string) => {
  const other = new URL(url);
  [other.username, other.password] = [user, password];
  return other.href;
};

async function sql(databaseUrl: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

test.each([
  ['another scheme', `mysql://me:${SECRET}@localhost/app`, 'is a URL of mysql'],
  ['no scheme', `me:${SECRET}@localhost/app`, 'does not begin with postgres://'],
  [
    'a # in the password',
    `postgres://me:#${SECRET}@localhost/app`,
    'expected postgres://user:password@host:5432/database',
  ],
  ['a / in the password', `postgres://me:a/${SECRET}@localhost/app`, 'write # as %23, / as %2F'],
  ['a % in the password', `postgres://me:%${SECRET}@localhost/app`, 'expected postgres://'],
  ['a line break', `postgres://me:${SECRET}@localhost/app\n`, 'a space or a line break'],
])('a DATABASE_URL with %s is refused, and not shown', async (_what, url, part) => {
  expectTold(await list(url), 2, 'USAGE', 'DATABASE_URL', part);
  expectTold(await migrate(url), 2, 'USAGE', 'DATABASE_URL', part);
});

test('nothing listens', async () => {
  const said = await list(`postgres://me:${SECRET}@127.0.0.1:1/app`);
  expectTold(said, 8, 'LEDGER_UNREACHABLE', '127.0.0.1:1/app, user me', 'ECONNREFUSED', 'Check DATABASE_URL');
});

test.each([
  ['job', 'list'],
  ['ledger', 'migrate'],
])('a wrong password: %s %s', async (...args) => {
  const said = await run(args, { ...temporal.env, DATABASE_URL: withUser(server, 'postgres', SECRET) });
  expectTold(
    said,
    2,
    'LEDGER_DENIED',
    'does not let us in',
    'password authentication failed',
    'Correct user and password',
  );
});

test('no password', async () => {
  expectTold(await list(withUser(server, 'postgres', '')), 2, 'LEDGER_DENIED', 'asks for a password');
});

test.each([
  ['job', 'list'],
  ['ledger', 'migrate'],
])('a database that is not there: %s %s', async (...args) => {
  const said = await run(args, { ...temporal.env, DATABASE_URL: databaseUrlOf(server, 'no_such_database') });
  expectTold(said, 2, 'LEDGER_DATABASE_MISSING', 'database "no_such_database" does not exist', 'createdb');
});

test('a database without the schema', async () => {
  expectTold(
    await list(await freshDatabase({ empty: true })),
    2,
    'LEDGER_SCHEMA',
    'has no lockkeeper schema',
    'lockkeeper ledger migrate',
  );
});

test('a schema newer than the code: the code is to be upgraded, by whoever asks', async () => {
  const url = await freshDatabase();
  await sql(url, 'update lockkeeper._ledger set breaking = 7');
  for (const said of [await list(url), await migrate(url)])
    expectTold(said, 2, 'LEDGER_SCHEMA', 'newer than this lockkeeper', 'breaking change 7', 'Upgrade lockkeeper here');
});

test('a worker and a deploy worker that are older than the ledger do not start', async () => {
  const url = await freshDatabase();
  await sql(url, 'update lockkeeper._ledger set breaking = 7');
  for (const command of ['worker', 'deploy-worker'])
    expectTold(
      await run([command], { ...temporal.env, DATABASE_URL: url }, APP),
      2,
      'LEDGER_SCHEMA',
      'Upgrade lockkeeper here',
    );
});

test('a schema older than the code: the ledger is to be upgraded', async () => {
  const url = await freshDatabase();
  await sql(url, 'delete from lockkeeper._migrations');
  expectTold(
    await list(url),
    2,
    'LEDGER_SCHEMA',
    'older than this lockkeeper',
    'it lacks 001_ledger',
    'Upgrade the ledger',
  );
});

test('a ledger of another cluster or namespace', async () => {
  const url = await freshDatabase();
  await sql(url, `update lockkeeper._ledger set cluster_id = 'elsewhere', namespace = 'theirs'`);
  expectTold(await list(url), 2, 'LEDGER_WRONG_CLUSTER', 'cluster elsewhere, namespace theirs', temporal.namespace);
});

test('a user without rights', async () => {
  const url = await freshDatabase();
  const user = `weak_${Date.now()}`;
  await sql(url, `create user ${user} password '${SECRET}'`);
  atEnd(() => sql(url, `drop user ${user}`));
  const weak = withUser(url, user, SECRET);
  expectTold(await list(weak), 2, 'LEDGER_DENIED', 'permission denied for schema lockkeeper', `user ${user}`);
  const empty = withUser(await freshDatabase({ empty: true }), user, SECRET);
  expectTold(
    await migrate(empty),
    2,
    'LEDGER_DENIED',
    'permission denied for database',
    'the one that owns the ledger',
  );
});

test('a user who may only read: looking works, and a worker says what it may not', async () => {
  const url = await freshDatabase();
  const user = `reader_${Date.now()}`;
  await sql(
    url,
    `create user ${user} password '${SECRET}';
     grant usage on schema lockkeeper to ${user}; grant select on all tables in schema lockkeeper to ${user}`,
  );
  atEnd(() => sql(url, `drop owned by ${user}; drop user ${user}`));
  const env = { ...temporal.env, DATABASE_URL: withUser(url, user, SECRET) };
  expect(await run(LIST, env)).toMatchObject({ exit: 0, stdout: 'no jobs\n' });
  expectTold(
    await run(['worker'], env, APP),
    2,
    'LEDGER_DENIED',
    'permission denied for function bind_ledger',
    'a member of lockkeeper_worker',
  );
});

test('the URL of another database, which only a plan needs, is looked at when the deploy worker starts', async () => {
  const dir = folder({
    'lockkeeper.yaml': 'environment: e\nqueues: { q: }\ndatabases: { app: { env: APP_URL } }\n',
  });
  const said = await run(['deploy-worker'], { ...temporal.env, APP_URL: `mysql://me:${SECRET}@x/y` }, dir);
  expectTold(said, 2, 'USAGE', 'APP_URL is a URL of mysql');
});

/** A Postgres as it was: what the server says of its version, in an answer or at the beginning, is another one. */
async function olderPostgres(databaseUrl: string, present: string, older: string): Promise<string> {
  const { hostname, port } = new URL(databaseUrl);
  const aging = createServer((socket) => {
    const through = connect(Number(port), hostname);
    socket.on('error', () => through.destroy());
    through.on('error', () => socket.destroy());
    socket.pipe(through);
    through.on('data', (data) =>
      socket.write(Buffer.from(data.toString('latin1').replaceAll(present, older), 'latin1')),
    );
    through.on('end', () => socket.end());
  });
  aging.listen(0, '127.0.0.1');
  await once(aging, 'listening');
  atEnd(() => void aging.close());
  const through = new URL(databaseUrl);
  through.host = `127.0.0.1:${(aging.address() as AddressInfo).port}`;
  return through.href;
}

let version: string;
beforeAll(async () => {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  const { rows } = await client.query<{ version: string }>(`select current_setting('server_version') as version`);
  version = rows[0]!.version;
  await client.end();
});

test('a Postgres that is too old: its version, and the one that is needed', async () => {
  const older = `12${version.slice(2)}`;
  const url = await olderPostgres(await freshDatabase(), version, older);
  for (const said of [await list(url), await migrate(url)])
    expectTold(said, 2, 'POSTGRES_TOO_OLD', `is version ${older}`, 'at least 14 is needed');
});

test('ledger and Temporal are both wrong: both are said', async () => {
  const said = await run(LIST, {
    TEMPORAL_ADDRESS: 'localhost',
    DATABASE_URL: `postgres://me:${SECRET}@127.0.0.1:1/app`,
  });
  expect(said.stderr).toContain('[TEMPORAL_CONFIG_INVALID]');
  const both = await run(LIST, {
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    DATABASE_URL: `postgres://me:${SECRET}@127.0.0.1:1/app`,
  });
  expectTold(both, 8, 'LEDGER_UNREACHABLE', '2 things are wrong', 'LEDGER_UNREACHABLE', 'TEMPORAL_UNREACHABLE');
});
