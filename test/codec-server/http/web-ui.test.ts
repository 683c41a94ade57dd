import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { startCodecServer } from '../../../src/codec-server/index.ts';
import { generateKey, parseKeyring } from '../../../src/crypto/keyring.ts';
import { atEnd } from '../../support/at-end.ts';
import { quietLog } from '../../support/quiet-log.ts';

/** Asks by another name than that of the address, as a browser does whose page's name points here. */
async function statusAs(host: string, url: string): Promise<number | undefined> {
  const asked = request(url, { headers: { host } }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  return answer.statusCode;
}

test('the Web UI of this machine is shown to this machine, and not to a page whose name points to it', async () => {
  const asked: string[] = [];
  const webUi = createServer((asking, answer) => {
    asked.push(String(asking.url));
    answer.end('the Web UI');
  }).listen(0, '127.0.0.1');
  await once(webUi, 'listening');
  atEnd(() => void webUi.close());
  const server = await startCodecServer({
    address: '127.0.0.1',
    port: 0,
    keyring: parseKeyring(generateKey('k1'), 'test'),
    tokens: ['abcdefghijklmnopqrstuvwxyz0123456789'],
    origins: [],
    namespaces: ['default'],
    plainHttp: false,
    inFrontOfWebUi: true,
    log: quietLog,
  });
  atEnd(() => server.close());
  server.showWebUi(`http://127.0.0.1:${(webUi.address() as AddressInfo).port}`);
  const { origin, port } = new URL(server.url);
  expect(await statusAs(`127.0.0.1:${port}`, `${origin}/one`)).toBe(200);
  expect(await statusAs(`localhost:${port}`, `${origin}/two`)).toBe(200);
  expect(await statusAs(`evil.example.com:${port}`, `${origin}/api/v1/namespaces`)).toBe(403);
  expect(asked).toEqual(['/one', '/two']);
});
