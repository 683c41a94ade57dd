import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ORIGIN, OTHER_TOKEN, TOKEN, base64, codecServer, encrypted, keyring, valuesOf } from '../bench.ts';
import type { PostOptions } from '../bench.ts';

const MARKER = 'Zmarker';
const server = await codecServer({ requestTimeout: 1_500 });
const body = { payloads: [await encrypted(`secret ${MARKER}`)] };

describe('who may not ask', () => {
  test.each<[what: string, status: number, headers: NonNullable<PostOptions['headers']>]>([
    ['no token', 401, { authorization: undefined }],
    ['a wrong token', 401, { authorization: `Bearer ${MARKER}${TOKEN}` }],
    ['the beginning of a token', 401, { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['a token with more behind it', 401, { authorization: `Bearer ${TOKEN}x` }],
    ['an empty token', 401, { authorization: 'Bearer ' }],
    ['the token without the word Bearer', 401, { authorization: TOKEN }],
    ['the token as a password', 401, { authorization: `Basic ${base64(`x:${TOKEN}`)}` }],
    ['a page of another origin', 403, { origin: `https://${MARKER}.example.com` }],
    ['a page of an origin that begins as an allowed one', 403, { origin: `${ORIGIN}.evil.example` }],
    ['a page of the same host with another scheme', 403, { origin: ORIGIN.replace('https', 'http') }],
    ['a page without an origin (a file, a sandboxed frame)', 403, { origin: 'null' }],
    ['an empty origin', 403, { origin: '' }],
    ['no namespace', 400, { 'x-namespace': undefined }],
    ['an empty namespace', 400, { 'x-namespace': '' }],
    ['another namespace', 403, { 'x-namespace': `other-${MARKER}` }],
    ['two namespaces', 403, { 'x-namespace': 'shop, shop' }],
    ['the name of something every object has', 403, { 'x-namespace': 'constructor' }],
  ])('%s: %i', async (_what, status, headers) => {
    const answer = await server.post('/decode', body, { headers });
    expect(answer.status).toBe(status);
    const text = await answer.text();
    expect(JSON.parse(text)).toEqual({ error: expect.any(String) as string });
    expect(text).not.toContain(MARKER);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect((await server.post('/encode', body, { headers })).status).toBe(status);
  });

  test('each of several tokens is a right one', async () => {
    const answer = await server.post('/decode', body, { headers: { authorization: `bearer ${OTHER_TOKEN}` } });
    expect(await valuesOf(answer)).toEqual([`secret ${MARKER}`]);
  });

  test('who sends wrong tokens again and again is told to wait, and the right one still opens', async () => {
    const own = await codecServer();
    const wrong = { headers: { authorization: `Bearer ${MARKER.repeat(6)}` } };
    const answers = [];
    for (let i = 0; i < 25; i += 1) answers.push((await own.post('/decode', body, wrong)).status);
    expect(new Set(answers)).toEqual(new Set([401, 429]));
    expect(answers.slice(0, 20)).toEqual(Array(20).fill(401));
    expect((await own.post('/decode', body)).status).toBe(200);
  });
});

describe('what is no request', () => {
  test.each<[what: string, status: number, path: string, options: PostOptions]>([
    ['a form', 415, '/decode', { raw: 'payloads=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
    [
      'JSON that calls itself text, as any page may send it',
      415,
      '/decode',
      { headers: { 'content-type': 'text/plain' } },
    ],
    ['no content type', 415, '/decode', { raw: Buffer.from('{}'), headers: { 'content-type': undefined } }],
    ['nothing', 400, '/decode', { raw: '' }],
    ['half of JSON', 400, '/decode', { raw: `{"payloads":[{"data":"${MARKER}` }],
    ['something that is not JSON', 400, '/decode', { raw: MARKER }],
    ['a list', 400, '/decode', { raw: '[]' }],
    ['null', 400, '/decode', { raw: 'null' }],
    ['payloads that are no list', 400, '/decode', { raw: '{"payloads":{}}' }],
    ['a payload that is null', 400, '/decode', { raw: '{"payloads":[null]}' }],
    ['a payload whose data is a number', 400, '/decode', { raw: '{"payloads":[{"data":1}]}' }],
    ['metadata that is no text', 400, '/decode', { raw: '{"payloads":[{"metadata":{"encoding":{}}}]}' }],
    ['a prototype among the payloads', 400, '/decode', { raw: `{"payloads":[],"__proto__":{"a":"${MARKER}"}}` }],
    ['a prototype in the metadata', 400, '/decode', { raw: '{"payloads":[{"metadata":{"__proto__":"eA=="}}]}' }],
    ['a constructor with a prototype', 400, '/decode', { raw: '{"payloads":[],"constructor":{"prototype":{}}}' }],
    ['JSON 100,000 deep', 400, '/decode', { raw: `{"payloads":${'['.repeat(100_000)}${']'.repeat(100_000)}}` }],
    ['more than 8 MiB', 413, '/decode', { raw: `{"payloads":[],"x":"${MARKER.repeat(1_300_000)}"}` }],
    ['a path that is none', 404, `/${MARKER}`, {}],
    ['a path that goes up', 404, `/..%2fdecode`, {}],
    ['the namespace in the path', 404, '/shop/decode', {}],
  ])('%s: %i', async (_what, status, path, options) => {
    const answer = await server.post(path, body, options);
    expect(answer.status).toBe(status);
    expect(await answer.text()).not.toContain(MARKER);
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });

  test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD'])('%s is no way to ask', async (method) => {
    const answer = await fetch(`${server.url}/decode`, { method, headers: { authorization: `Bearer ${TOKEN}` } });
    expect(answer.status).toBe(404);
  });

  test('a name that every object has is a name like others in the metadata', async () => {
    const payloads = [{ metadata: { constructor: base64('x'), encoding: base64('json/plain') }, data: base64('1') }];
    expect(await (await server.post('/decode', { payloads })).json()).toEqual({ payloads });
  });
});

/** Writes raw bytes and answers everything that came until the server closed the connection. */
async function rawly(text: string, then?: (socket: ReturnType<typeof connect>) => void): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.setEncoding('utf8').on('data', (data: string) => (answer += data));
  socket.write(text);
  then?.(socket);
  await once(socket, 'close');
  return answer;
}

const head = (more: string) =>
  `POST /decode HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\nx-namespace: shop\r\ncontent-type: application/json\r\n${more}\r\n`;

describe('on a bare socket', () => {
  test('a body that comes too slowly is given up', async () => {
    const answer = await rawly(head('content-length: 100\r\n') + '{"payloads"');
    expect(answer).toMatch(/^HTTP\/1.1 408/);
  });

  test('headers that come too slowly are given up', async () => {
    expect(await rawly('POST /decode HTTP/1.1\r\nhost: x\r\n')).toMatch(/^HTTP\/1.1 408/);
  });

  test('headers that are too large are refused', async () => {
    expect(await rawly(head(`x-more: ${'x'.repeat(20_000)}\r\n`))).toMatch(/^HTTP\/1.1 431/);
  });

  test('what is not HTTP is refused', async () => {
    expect(await rawly(`${MARKER}\r\n\r\n`)).toMatch(/^HTTP\/1.1 400/);
  });

  test('nobody is asked for a body whose sender may not ask', async () => {
    const text = head('content-length: 8000000\r\nconnection: close\r\n').replace(TOKEN, MARKER.repeat(6));
    expect(await rawly(text)).toMatch(/^HTTP\/1.1 (401|429)/);
  });
});

test('the log tells nothing of payloads, tokens, keys, or what a stranger wrote', async () => {
  await server.post('/decode', body);
  await server.post(`/${MARKER}?${TOKEN}`, body);
  await server.post('/decode', body, { headers: { 'x-namespace': MARKER, origin: `https://${MARKER}` } });
  await server.post('/decode', body, { headers: { authorization: `Bearer ${MARKER}`, cookie: `a=${MARKER}` } });
  await server.post('/login', { token: `${TOKEN}${MARKER}` });
  await server.post('/decode', undefined, { raw: MARKER });
  const logged = server.logged();
  expect(logged.match(/"msg":"request"/g)!.length).toBeGreaterThanOrEqual(6);
  const secrets = [MARKER, TOKEN, OTHER_TOKEN, keyring.current.secret().toString('base64'), body.payloads[0]!.data!];
  for (const secret of secrets) expect(logged).not.toContain(secret);
});
