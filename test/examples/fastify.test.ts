import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { freshNamespace } from '../support/fresh-namespace.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import type { Ledger } from '../../src/index.ts';

const here = (file: string) => fileURLToPath(new URL(`../../examples/fastify/${file}`, import.meta.url));
const CONFIG = ['--config', here('lockkeeper.yaml')];
const processes = new Processes();
const started: TestProcess[] = [];
atEnd(async () => {
  for (const one of started) one.kill('SIGTERM');
  for (const one of started) await one.ended();
});

let ledger: Ledger;
let env: NodeJS.ProcessEnv;
let url: string;
let server: TestProcess;
beforeAll(async () => {
  const temporal = await freshNamespace();
  ledger = await freshLedger({ namespace: temporal.namespace });
  await ledger.pool.query(readFileSync(here('schema.sql'), 'utf8'));
  env = { ...temporal.env, DATABASE_URL: ledger.databaseUrl };
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const workers = ['worker', 'deploy-worker'].map((command) =>
    processes.node('dist/cli/main.js', [command, ...CONFIG], { env }),
  );
  server = processes.node('examples/fastify/server.ts', [], { env: { ...env, PORT: String(port) } });
  started.push(server, ...workers);
  await Promise.all(workers.map((one) => one.waitForLine(/worker ready/, { within: 40_000 })));
  await server.waitForLine(/Server listening/);
}, 60_000);

/** A port that nobody listens on at the moment. */
async function freePort(): Promise<number> {
  const listening = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => listening.once('listening', resolve));
  const { port } = listening.address() as AddressInfo;
  await new Promise((resolve) => listening.close(resolve));
  return port;
}

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly done: number;
  readonly total?: number;
  readonly result?: unknown;
  readonly code?: string;
}

const cities = (n: number) => Array.from({ length: n }, (_, i) => `city ${i}`);

async function ask(method: string, path: string, options: { key?: string; body?: unknown } = {}) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(options.body !== undefined && { 'content-type': 'application/json' }),
      ...(options.key !== undefined && { 'idempotency-key': options.key }),
    },
    ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
  });
  return {
    status: response.status,
    location: response.headers.get('location'),
    body: (await response.json()) as Shown,
  };
}

const post = (key: string | undefined, n: number) =>
  ask('POST', '/imports', { ...(key !== undefined && { key }), body: { cities: cities(n) } });

const untilState = (path: string, state: string) =>
  eventually(
    async () => {
      const { body } = await ask('GET', path);
      expect(body.state).toBe(state);
      return body;
    },
    { within: 20_000 },
  );

async function imported(id: string): Promise<string[]> {
  const { rows } = await ledger.pool.query<{ name: string }>(
    `select name from imported_city where import = $1 order by substr(name, 6)::integer`,
    [id],
  );
  return rows.map((row) => row.name);
}

/** The data of each event, until the stream ends. */
async function* events(path: string, signal?: AbortSignal): AsyncGenerator<Shown> {
  const response = await fetch(`${url}${path}/events`, signal ? { signal } : {});
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const parts = text.split('\n\n');
    text = parts.pop()!;
    for (const part of parts) yield JSON.parse(part.replace(/^event: progress\ndata: /, '')) as Shown;
  }
}

describe('an import', () => {
  test('is accepted with its place, can be looked at, and has its result in the end', async () => {
    const { status, location, body } = await post(undefined, 25);
    expect(status).toBe(202);
    expect(location).toBe(`/imports/${body.id}`);
    const done = await untilState(location!, 'done');
    expect(done).toEqual({ id: body.id, state: 'done', done: 25, total: 25, result: { imported: 25 } });
    expect(await imported(body.id)).toEqual(cities(25));
  }, 40_000);

  test('with the key of another request is the same import, and another body under it is a conflict', async () => {
    const both = await Promise.all([post('k-1', 20), post('k-1', 20)]);
    expect(both.map((answer) => [answer.status, answer.location])).toEqual([
      [202, '/imports/import-k-1'],
      [202, '/imports/import-k-1'],
    ]);
    expect(await post('k-1', 21)).toMatchObject({ status: 409, body: { code: 'JOB_EXISTS' } });
    await untilState('/imports/import-k-1', 'done');
    expect((await post('k-1', 20)).body.state).toBe('done');
    expect(await imported('import-k-1')).toEqual(cities(20));
  }, 40_000);

  test('is followed by server-sent events until it is done', async () => {
    const { location } = await post('followed', 300);
    const seen: Shown[] = [];
    for await (const event of events(location!)) seen.push(event);
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.map((event) => event.done)).toEqual(seen.map((event) => event.done).sort((a, b) => a - b));
    expect(seen.at(-1)).toEqual({ id: 'import-followed', state: 'done', done: 300, total: 300 });
  }, 40_000);

  test('is cancelled by DELETE, and leaves nothing behind; a second DELETE is a conflict', async () => {
    const { location, body } = await post('cancelled', 1_000);
    await untilState(location!, 'running');
    await eventually(async () => expect((await imported(body.id)).length).toBeGreaterThan(0));
    expect((await ask('DELETE', location!)).status).toBe(202);
    await untilState(location!, 'cancelled');
    expect(await imported(body.id)).toEqual([]);
    expect(await ask('DELETE', location!)).toMatchObject({ status: 409, body: { code: 'USAGE' } });
  }, 40_000);
});

test('wrong requests are told so: no import, no cities, a strange key, too much', async () => {
  for (const [method, path] of [
    ['GET', '/imports/none'],
    ['GET', '/imports/none/events'],
    ['DELETE', '/imports/none'],
  ] as const)
    expect(await ask(method, path)).toMatchObject({ status: 404, body: { code: 'JOB_NOT_FOUND' } });
  expect((await ask('POST', '/imports', { body: { cities: [] } })).status).toBe(400);
  expect((await ask('POST', '/imports', { key: 'a/b', body: { cities: ['x'] } })).status).toBe(400);
  expect((await ask('POST', '/imports', { body: { cities: ['x'.repeat(2_000_000)] } })).status).toBe(413);
});

test('a deploy in the middle: running imports go on after it, new ones are accepted meanwhile, each city is there once', async () => {
  const before = await post('before', 400);
  await untilState(before.location!, 'running');
  const deploy = processes.node(
    'dist/cli/main.js',
    ['deploy', 'run', ...CONFIG, '--id', 'v2', '--', 'bash', '-c', 'echo deploying; sleep 3'],
    { env },
  );
  await deploy.waitForLine(/deploying/);
  const meanwhile = await post('meanwhile', 30);
  expect(meanwhile).toMatchObject({ status: 202, body: { state: 'pending' } });
  const held = (await ask('GET', before.location!)).body;
  expect(held.state).toBe('interrupted');
  expect(await deploy.ended()).toMatchObject({ code: 0 });
  await untilState(meanwhile.location!, 'done');
  await untilState(before.location!, 'done');
  expect(await imported('import-before')).toEqual(cities(400));
  expect(await imported('import-meanwhile')).toEqual(cities(30));
}, 90_000);

test('SIGTERM ends the service, open event streams too; the import goes on without it', async () => {
  const { location, body } = await post('outlives', 200);
  await untilState(location!, 'running');
  const seen: Shown[] = [];
  const reading = (async () => {
    for await (const event of events(location!)) seen.push(event);
  })();
  await eventually(() => expect(seen.length).toBeGreaterThan(0));
  server.kill('SIGTERM');
  await reading;
  expect(await server.ended({ within: 5_000 })).toMatchObject({ code: 0 });
  expect(seen.at(-1)?.state).toBe('running');
  await eventually(async () => expect(await imported(body.id)).toEqual(cities(200)), { within: 20_000 });
}, 60_000);
