import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateKey } from '../../../src/crypto/keyring.ts';
import { atEnd } from '../../support/at-end.ts';
import { Authority } from '../../support/certificates.ts';
import { Processes } from '../../support/processes.ts';
import type { TestProcess } from '../../support/processes.ts';
import { OTHER_TOKEN, TOKEN } from '../bench.ts';

const KEYS = generateKey('k1');
const processes = new Processes();
const folder = mkdtempSync(join(tmpdir(), 'lockkeeper-codec-server-'));
atEnd(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  processes.lockkeeper(['codec-server', ...args], {
    cwd: folder,
    env: {
      LOCKKEEPER_KEYS: KEYS,
      LOCKKEEPER_CODEC_TOKEN: TOKEN,
      TEMPORAL_NAMESPACE: 'shop',
      LOG_LEVEL: 'info',
      ...env,
    },
  });

async function urlOf(server: TestProcess): Promise<string> {
  const line = await server.waitForLine(/the codec server listens/);
  return (JSON.parse(line) as { url: string }).url;
}

const decode = (url: string, token: string, namespace = 'shop') =>
  fetch(`${url}/decode`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-namespace': namespace },
    body: '{"payloads":[]}',
  });

async function refusalOf(server: TestProcess): Promise<string> {
  expect(await server.ended()).toEqual({ code: 2, signal: null });
  expect(server.stderr).not.toContain(KEYS.split(':')[1]);
  return server.stderr;
}

test('SIGTERM: a request under way is answered, and it ends with 0', async () => {
  const server = run(['--port', '0']);
  const url = await urlOf(server);
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });

  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  const head = `POST /decode HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\nx-namespace: shop\r\n`;
  socket.write(`${head}content-type: application/json\r\ncontent-length: 15\r\n\r\n{"payloads"`);
  await once(socket, 'connect');
  // The answer to a second request shows that the first one has come.
  expect((await decode(url, TOKEN)).status).toBe(200);
  server.kill('SIGTERM');
  await server.waitForLine(/the codec server stops/);
  const stopped = performance.now();
  socket.write(':[]}');
  await once(socket, 'close');
  expect(answer).toMatch(/^HTTP\/1.1 200[^]*\{"payloads":\[\]\}$/);
  expect(await server.ended()).toEqual({ code: 0, signal: null });
  // Nothing was cut off: that would have been after 5 s.
  expect(performance.now() - stopped).toBeLessThan(4_000);
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});

test('the log has a line for each request: when, what, for which namespace, how many, with what end, how fast', async () => {
  const server = run(['--port', '0']);
  const url = await urlOf(server);
  await decode(url, TOKEN);
  const line = JSON.parse(await server.waitForLine(/"msg":"request"/)) as Record<string, unknown>;
  expect(line).toEqual({
    level: 30,
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
    method: 'POST',
    path: '/decode',
    by: 'token',
    namespace: 'shop',
    count: 0,
    status: 200,
    ms: expect.any(Number) as number,
    from: '127.0.0.1',
    msg: 'request',
  });
  server.kill('SIGINT');
  expect((await server.ended()).code).toBe(0);
  for (const secret of [TOKEN, KEYS.split(':')[1]]) expect(server.stderr + server.stdout).not.toContain(secret);
});

test('everything that is wrong is said at once', async () => {
  const server = run(['--address', '0.0.0.0', '--origin', '*', '--origin', 'https://x/', '--tls-cert', 'none.pem'], {
    LOCKKEEPER_KEYS: 'k1:c2hvcnQ=',
    LOCKKEEPER_CODEC_TOKEN: 'hunter2',
  });
  const refusal = await refusalOf(server);
  expect(refusal).toContain('the codec server cannot be started for 6 problems [USAGE]');
  expect(refusal).toContain('TLS needs both a certificate and its key');
  expect(refusal).toContain('LOCKKEEPER_KEYS, key 1 (k1): its secret has 5 bytes, 32 are needed');
  expect(refusal).toContain('LOCKKEEPER_CODEC_TOKEN, token 1: it has 7 characters, at least 32 are needed');
  expect(refusal).toContain('the address 0.0.0.0 is not of this machine alone, and there is no TLS');
  expect(refusal).toContain('the origin * is none: expected an origin as a browser writes it');
  expect(refusal).toContain('the origin https://x/ is none');
  expect(refusal).not.toContain('hunter2');
});

test.each(['0.0.0.0', '::', '10.0.0.1', 'codec.example.com', '127.evil.example'])(
  'without TLS it does not listen on %s unless it is told so in words',
  async (address) => {
    expect(await refusalOf(run(['--address', address]))).toContain(
      `the address ${address} is not of this machine alone`,
    );
  },
);

test('told so, it listens for others', async () => {
  const server = run(['--address', '0.0.0.0', '--port', '0', '--plain-http']);
  const url = await urlOf(server);
  expect((await decode(url.replace('0.0.0.0', '127.0.0.1'), TOKEN)).status).toBe(200);
  server.kill('SIGTERM');
  expect((await server.ended()).code).toBe(0);
});

test('with a certificate it speaks TLS, and nothing older than 1.2', async () => {
  const authority = await Authority.make('codec-server');
  const { certFile, keyFile } = await authority.sign('server');
  const other = await authority.sign('other');
  expect(await refusalOf(run(['--tls-cert', certFile, '--tls-key', other.keyFile]))).toContain('is not the key of');

  const server = run(['--address', '0.0.0.0', '--port', '0', '--tls-cert', certFile, '--tls-key', keyFile]);
  const url = (await urlOf(server)).replace('0.0.0.0', '127.0.0.1');
  const [answer] = (await once(request(`${url}/health`, { ca: authority.cert }).end(), 'response')) as [
    { statusCode: number; headers: Record<string, string>; resume: () => void },
  ];
  answer.resume();
  expect([answer.statusCode, answer.headers['strict-transport-security']]).toEqual([
    200,
    expect.stringMatching(/max-age/),
  ]);
  const old = request(`${url}/health`, { ca: authority.cert, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
  await expect(once(old.end(), 'response')).rejects.toThrow(/protocol|version/i);
  server.kill('SIGTERM');
  expect((await server.ended()).code).toBe(0);
});

test('lockkeeper.yaml says the same things, and the command line comes before it', async () => {
  const config = file(
    'lockkeeper.yaml',
    `environment: test
jobs: ./not-looked-at.ts
codecServer:
  port: 0
  origins: [https://temporal.example.com]
  namespaces: [one, two]
  tokenFile: ./tokens
`,
  );
  file('tokens', `${OTHER_TOKEN}\n`);
  const server = run(['--config', config, '--namespace', 'three']);
  const url = await urlOf(server);
  expect((await decode(url, OTHER_TOKEN, 'three')).status).toBe(200);
  expect((await decode(url, OTHER_TOKEN, 'one')).status).toBe(403);
  expect((await decode(url, TOKEN, 'three')).status).toBe(401);
  expect(server.stderr).toContain('"origins":["https://temporal.example.com"]');
  server.kill('SIGTERM');
  expect((await server.ended()).code).toBe(0);
});

test('a port that is taken is told', async () => {
  const first = run(['--port', '0']);
  const { port } = new URL(await urlOf(first));
  expect(await refusalOf(run(['--port', port]))).toContain(`cannot listen on 127.0.0.1:${port} (EADDRINUSE)`);
  first.kill('SIGTERM');
  expect((await first.ended()).code).toBe(0);
});
