import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { expect, test } from 'vitest';
import { atEnd } from '../../support/at-end.ts';
import { TOKEN, codecServer } from '../bench.ts';

const ISSUER = 'https://login.example.com/';
const AUDIENCE = 'https://temporal.example.com';
const own = await generateKeyPair('RS256');
const stranger = await generateKeyPair('RS256');
const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(own.publicKey)), kid: 'k', alg: 'RS256' }] });

/** Where the issuer publishes its keys. */
async function issuer(answer: string): Promise<string> {
  const server = createServer((_request, response) =>
    response.setHeader('content-type', 'application/json').end(answer),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
}

const rules = { issuer: ISSUER, audience: AUDIENCE, claim: 'email', values: ['ada@example.com', 'team:ops'] };
const server = await codecServer({ accessTokens: { ...rules, keys: await issuer(jwks) } });

const now = Math.floor(Date.now() / 1_000);
const RIGHT = { iss: ISSUER, aud: AUDIENCE, exp: now + 600, email: 'ada@example.com' };
const signed = (claims: Record<string, unknown>, key = own.privateKey) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k' }).sign(key);
const statusOf = async (token: string, on = server) =>
  (await on.post('/decode', { payloads: [] }, { headers: { authorization: `Bearer ${token}` } })).status;

test.each<[what: string, change: Record<string, unknown>]>([
  ['of a user who is named', {}],
  ['with several audiences', { aud: ['other', AUDIENCE] }],
  ['whose claim is a list with one that is named', { email: ['x', 'team:ops'] }],
])('an access token %s is taken', async (_what, change) => {
  expect(await statusOf(await signed({ ...RIGHT, ...change }))).toBe(200);
  expect(server.logged()).toContain('"by":"access token"');
});

test.each<[what: string, change: Record<string, unknown>]>([
  ['of another user', { email: 'eve@example.com' }],
  ['of a user whose name begins alike', { email: 'ada@example.com.evil.example' }],
  ['without the claim', { email: undefined }],
  ['whose claim is an object', { email: { toString: 'ada@example.com' } }],
  ['of another issuer', { iss: 'https://login.example.com' }],
  ['for another audience', { aud: 'https://other.example.com' }],
  ['without an audience', { aud: undefined }],
  ['that has expired', { exp: now - 60 }],
  ['that never expires', { exp: undefined }],
  ['that is not valid yet', { nbf: now + 600 }],
])('one %s is not', async (_what, change) => {
  expect(await statusOf(await signed({ ...RIGHT, ...change }))).toBe(401);
});

test('one that somebody else signed, or nobody, or a secret made of the public key, is not', async () => {
  const claims = Buffer.from(JSON.stringify(RIGHT)).toString('base64url');
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`;
  const bySecret = await new SignJWT(RIGHT).setProtectedHeader({ alg: 'HS256', kid: 'k' }).sign(Buffer.from(jwks));
  for (const token of [await signed(RIGHT, stranger.privateKey), none, bySecret, 'a.b.c'])
    expect(await statusOf(token)).toBe(401);
});

test("the server's own tokens are taken as before", async () => {
  expect(await statusOf(TOKEN)).toBe(200);
  expect(await statusOf(`${TOKEN}x`)).toBe(401);
});

test('while the keys of the issuer cannot be had, nobody is let in by an access token, and it is told why', async () => {
  for (const keys of ['http://127.0.0.1:1/jwks.json', await issuer('no keys'), await issuer('{}')]) {
    const away = await codecServer({ accessTokens: { ...rules, keys } });
    expect(await statusOf(await signed(RIGHT), away)).toBe(503);
    expect(await statusOf(TOKEN, away)).toBe(200);
  }
});

test('nothing of an access token is logged', async () => {
  const token = await signed({ ...RIGHT, email: 'eve@example.com' });
  await statusOf(token);
  for (const part of token.split('.').slice(1)) expect(server.logged()).not.toContain(part);
  expect(server.logged()).not.toContain('eve@');
});
