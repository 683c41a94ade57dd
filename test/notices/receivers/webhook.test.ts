import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { readPage } from '../../docs/pages.ts';
import { atEnd } from '../../support/at-end.ts';
import { receiver, sampleNotice } from '../sample.ts';
import { SECRET, WebReceiver } from '../web-receiver.ts';

const OTHER = `whsec_${Buffer.from('another key of twenty-four bytes').toString('base64')}`;

const webhook = (url: string, secret = SECRET) => receiver({ type: 'webhook' }, { URL: url, SECRET: secret });
interface ShownCheck {
  readonly isGenuine: (headers: Headers, body: string, secret: string) => boolean;
}

/** The block of docs/notices.md, as a reader would copy it. */
async function shownCheck(): Promise<ShownCheck> {
  const { text } = readPage('docs/notices.md').blocks.find(({ name }) => name === 'verify.ts')!;
  const folder = mkdtempSync(join(tmpdir(), 'lockkeeper-verify-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'verify.ts');
  writeFileSync(file, text);
  return (await import(file)) as ShownCheck;
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
const tell = (server: WebReceiver) => webhook(server.url).tell(sampleNotice(), undefined);

test('is sent JSON whose signature the library of Standard Webhooks accepts', async () => {
  const server = await WebReceiver.open();
  expect(await tell(server)).toEqual({ ok: true, said: 'answered 204' });
  expect(server.notices).toEqual([sampleNotice()]);
  const [{ headers }] = server.deliveries as [(typeof server.deliveries)[0]];
  expect(headers).toMatchObject({ 'webhook-id': sampleNotice().id, 'content-type': 'application/json' });
});

test('a body that was changed, or another secret, is not accepted', async () => {
  const server = await WebReceiver.open();
  await tell(server);
  const [{ body, headers }] = server.deliveries as [(typeof server.deliveries)[0]];
  const verify = (secret: string, text: string) => () =>
    new Webhook(secret).verify(text, headers as Record<string, string>);
  expect(verify(SECRET, body)).not.toThrow();
  expect(verify(SECRET, body.replace('import-7', 'import-8'))).toThrow(/signature/i);
  expect(verify(OTHER, body)).toThrow(/signature/i);
});

test('two secrets, while one takes the place of the other: either is accepted', async () => {
  const server = await WebReceiver.open();
  await webhook(server.url, `${OTHER} ${SECRET}`).tell(sampleNotice(), undefined);
  const [{ body, headers }] = server.deliveries as [(typeof server.deliveries)[0]];
  for (const secret of [OTHER, SECRET])
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual(sampleNotice());
});

test('the check that the documentation shows accepts it, and nothing that was changed or is old', async () => {
  const server = await WebReceiver.open();
  await webhook(server.url, `${OTHER} ${SECRET}`).tell(sampleNotice(), undefined);
  const [{ body, headers }] = server.deliveries as [(typeof server.deliveries)[0]];
  const { isGenuine } = await shownCheck();
  const sent = new Headers(headers as Record<string, string>);
  const changed = (name: string, value: string) => {
    const other = new Headers(sent);
    other.set(name, value);
    return other;
  };
  expect(isGenuine(sent, body, SECRET)).toBe(true);
  expect(isGenuine(sent, body, OTHER)).toBe(true);
  expect(isGenuine(sent, `${body} `, SECRET)).toBe(false);
  expect(isGenuine(sent, body, SECRET.replace('whsec_M', 'whsec_N'))).toBe(false);
  expect(isGenuine(changed('webhook-id', 'other'), body, SECRET)).toBe(false);
  expect(isGenuine(changed('webhook-timestamp', String(Date.now() / 1_000 - 400)), body, SECRET)).toBe(false);
  expect(isGenuine(changed('webhook-timestamp', 'now'), body, SECRET)).toBe(false);
  expect(isGenuine(new Headers(), body, SECRET)).toBe(false);
});

describe('an answer', () => {
  test('of 500 is a failure, and what it says is shown, without what is secret', async () => {
    const server = await WebReceiver.open();
    server.answer = (response) => void response.writeHead(500).end(`no:\n ${SECRET} at ${server.url}`);
    const told = await tell(server);
    expect(told).toEqual({ ok: false, error: 'answered 500', said: 'no: *** at ***' });
  });

  test('that is a redirect is a failure, and is not followed', async () => {
    const [server, elsewhere] = [await WebReceiver.open(), await WebReceiver.open()];
    server.answer = (response) => void response.writeHead(307, { location: elsewhere.url }).end();
    expect(await tell(server)).toMatchObject({ ok: false, error: 'answered 307, a redirect, which is not followed' });
    expect(elsewhere.deliveries).toEqual([]);
  });

  test('of 429 says how long it wants to be left alone', async () => {
    const server = await WebReceiver.open();
    server.answer = (response) => void response.writeHead(429, { 'retry-after': '17' }).end();
    expect(await tell(server)).toMatchObject({ ok: false, error: 'answered 429', againAfter: 17_000 });
  });

  test('of 410 says that it wants no more of it', async () => {
    const server = await WebReceiver.open();
    server.answer = (response) => void response.writeHead(410).end();
    expect(await tell(server)).toMatchObject({ ok: false, forGood: true });
  });

  test('that never comes is waited for 10 s', { timeout: 30_000 }, async () => {
    const server = await WebReceiver.open();
    server.answer = () => undefined;
    const began = performance.now();
    expect(await tell(server)).toEqual({ ok: false, error: 'no answer within 10 s' });
    expect(performance.now() - began).toBeGreaterThan(9_500);
  });

  test('that never ends is waited for 10 s, and its status counts', { timeout: 30_000 }, async () => {
    const server = await WebReceiver.open();
    server.answer = (response) => void response.writeHead(200).write('well');
    expect(await tell(server)).toEqual({ ok: false, error: 'no answer within 10 s' });
  });
});

test('a connection that is closed, and a port where nobody is', async () => {
  const server = await WebReceiver.open();
  server.answer = (response) => void response.destroy();
  expect(await tell(server)).toEqual({
    ok: false,
    error: expect.stringMatching(/other side closed|hang up|reset/i) as string,
  });
  const told = await webhook(`http://127.0.0.1:${await closedPort()}/secret-path`).tell(sampleNotice(), undefined);
  expect(told).toMatchObject({ ok: false, error: expect.stringContaining('ECONNREFUSED') as string });
  expect(JSON.stringify(told)).not.toContain('secret-path');
});

test.each([
  ['nothing', {}, 'URL, of receiver `webhook`, is not set\nSECRET, of receiver `webhook`, is not set'],
  ['no secret', { URL: 'https://example.org' }, 'SECRET, of receiver `webhook`, is not set'],
  ['no URL', { URL: 'hunter2', SECRET }, 'URL is not a URL that begins with https:// or http://'],
  ['the URL of something else', { URL: 'ftp://hunter2.example.org', SECRET }, 'URL is not a URL that begins with'],
  [
    'a URL with a password',
    { URL: 'https://me:hunter2@example.org', SECRET },
    'the URL in URL holds a user or a password',
  ],
  [
    'a secret that is too short',
    { URL: 'https://example.org', SECRET: 'whsec_aHVudGVyMg==' },
    'SECRET is not `whsec_` and behind it at least 24 bytes in base64',
  ],
  [
    'a secret in another form',
    { URL: 'https://example.org', SECRET: 'hunter2'.repeat(9) },
    'SECRET is not `whsec_` and behind it at least 24 bytes in base64',
  ],
])('variables that hold %s are refused, and never shown', (_, env, said) => {
  const make = () => receiver({ type: 'webhook' }, env);
  expect(make).toThrow(said);
  expect(make).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.not.stringContaining('hunter2') as string }),
  );
});
