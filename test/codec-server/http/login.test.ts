import { describe, expect, test } from 'vitest';
import { SESSION_LIFETIME, Sessions } from '../../../src/codec-server/sessions.ts';
import { Tokens } from '../../../src/codec-server/tokens.ts';
import { LoginLinks } from '../../../src/codec-server/login-links.ts';
import { Authority } from '../../support/certificates.ts';
import { ORIGIN, OTHER_TOKEN, TOKEN, codecServer, encrypted, valuesOf } from '../bench.ts';
import type { RunningServer } from '../bench.ts';

const server = await codecServer();
const body = { payloads: [await encrypted('readable')] };
const cookieOf = (answer: Response) => answer.headers.getSetCookie()[0] ?? '';

async function logIn(token: string, on: RunningServer = server, headers: Record<string, string | undefined> = {}) {
  return on.post('/login', { token }, { headers: { authorization: undefined, 'x-namespace': undefined, ...headers } });
}

/** As a page of the Web UI asks: with what its browser keeps, and no header of its own. */
const withCookie = (cookie: string, more: Record<string, string | undefined> = {}, on: RunningServer = server) =>
  on.post('/decode', body, {
    headers: { authorization: undefined, origin: ORIGIN, cookie: cookie.split(';')[0], ...more },
  });

describe('the login page', () => {
  test('loads nothing from elsewhere and may not be framed', async () => {
    const answer = await fetch(`${server.url}/`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none';script-src 'self'");
    expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    expect(await answer.text()).not.toMatch(/https?:|\son\w+=|style=/);
  });

  test('the token gives a session that no script reads and no other site sends, and that holds nothing of the token', async () => {
    const answer = await logIn(TOKEN);
    expect(answer.status).toBe(204);
    const cookie = cookieOf(answer);
    expect(cookie).toMatch(/; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(TOKEN.slice(0, 8));
    expect(await valuesOf(await withCookie(cookie))).toEqual(['readable']);
  });

  test.each([TOKEN.slice(0, -1), '', `${TOKEN}x`, 'no'])('no session for %s', async (token) => {
    const answer = await logIn(token);
    expect([answer.status, cookieOf(answer)]).toEqual([401, '']);
  });

  test('a form of another page does not log in', async () => {
    const answer = await logIn(TOKEN, server, { 'content-type': 'text/plain' });
    expect([answer.status, cookieOf(answer)]).toEqual([415, '']);
  });

  test('a session is sent over TLS alone where there is TLS', async () => {
    const authority = await Authority.make('codec');
    const certified = await authority.sign('server');
    const own = await codecServer({ tls: certified });
    expect(own.url).toMatch(/^https:/);
    // A proxy that ends TLS before it says so.
    expect(cookieOf(await logIn(TOKEN, server, { 'x-forwarded-proto': 'https' }))).toContain('; Secure');
    expect(cookieOf(await logIn(TOKEN))).not.toContain('Secure');
  });

  test('logging out takes the session from the browser', async () => {
    expect(cookieOf(await server.post('/logout', {}))).toMatch(
      /^lockkeeper_codec_session=; .*Expires=Thu, 01 Jan 1970/,
    );
  });
});

describe('a session', () => {
  test('is of no use to a page of another origin, nor without an origin', async () => {
    const cookie = cookieOf(await logIn(TOKEN));
    expect((await withCookie(cookie, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await withCookie(cookie, { origin: undefined })).status).toBe(401);
  });

  test('gives no way round the namespaces', async () => {
    expect((await withCookie(cookieOf(await logIn(TOKEN)), { 'x-namespace': 'other' })).status).toBe(403);
  });

  test('that was changed does not hold', async () => {
    const [name, session = ''] = cookieOf(await logIn(TOKEN))
      .split(';')[0]!
      .split('=');
    const [until, nonce, signature] = session.split('.');
    for (const forged of [
      `${Number(until) + 1}.${nonce}.${signature}`,
      `${until}.${nonce}.`,
      `${until}.${nonce}`,
      `.${nonce}.${signature}`,
      '',
      '.',
      `${until}.${nonce}.${'A'.repeat(signature!.length)}`,
    ])
      expect((await withCookie(`${name}=${forged}`)).status).toBe(401);
  });

  test('ends with its token: one that is replaced leaves no session behind', async () => {
    const cookie = cookieOf(await logIn(OTHER_TOKEN));
    const later = await codecServer({ tokens: [TOKEN] });
    expect((await withCookie(cookie, {}, later)).status).toBe(401);
    const still = await codecServer({ tokens: [OTHER_TOKEN] });
    expect((await withCookie(cookie, {}, still)).status).toBe(200);
  });

  test('ends after 12 hours', () => {
    let now = 0;
    const tokens = new Tokens([TOKEN]);
    const sessions = new Sessions(tokens, () => now);
    const session = sessions.begin(tokens.find(TOKEN)!);
    now = SESSION_LIFETIME - 1;
    expect(sessions.holds(session)).toBe(true);
    now = SESSION_LIFETIME;
    expect(sessions.holds(session)).toBe(false);
  });
});

describe('a login link', () => {
  test('logs in once', async () => {
    const link = server.loginLink();
    const first = await fetch(link, { redirect: 'manual' });
    expect([first.status, first.headers.get('location')]).toEqual([303, '../']);
    expect(await valuesOf(await withCookie(cookieOf(first)))).toEqual(['readable']);
    const second = await fetch(link, { redirect: 'manual' });
    expect([second.status, cookieOf(second)]).toEqual([403, '']);
    expect(await second.text()).toContain('has been used');
    expect(server.logged()).not.toContain(link.split('/').at(-1));
  });

  test('is of no use after ten minutes, and a guess never', () => {
    let now = 0;
    const links = new LoginLinks(() => now);
    const signer = Buffer.from('x');
    const [early, late] = [links.make(signer), links.make(signer)];
    now = 10 * 60_000 - 1;
    expect(links.use(early)).toBe(signer);
    now += 1;
    expect(links.use(late)).toBeUndefined();
    expect(links.use('')).toBeUndefined();
  });
});
