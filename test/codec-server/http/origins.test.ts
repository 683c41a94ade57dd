import { expect, test } from 'vitest';
import { ORIGIN, codecServer, encrypted } from '../bench.ts';

const server = await codecServer();

/** Asks as a browser does before it lets a page ask. */
const preflight = (origin: string, path = '/decode') =>
  fetch(`${server.url}${path}`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-namespace,authorization',
    },
  });
const corsHeaders = (answer: Response) =>
  Object.fromEntries([...answer.headers].filter(([name]) => name.startsWith('access-control')));

test('a page of an allowed origin is told what it may send', async () => {
  const answer = await preflight(ORIGIN);
  expect(answer.status).toBe(204);
  expect(corsHeaders(answer)).toEqual({
    'access-control-allow-origin': ORIGIN,
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'Content-Type, X-Namespace, Authorization, Authorization-Extras',
    'access-control-max-age': '600',
  });
  expect(answer.headers.get('vary')).toBe('Origin');
});

test.each(['https://evil.example', 'null', `${ORIGIN}:8443`, ORIGIN.toUpperCase(), `${ORIGIN}/`])(
  'a page of %s is told nothing',
  async (origin) => {
    const answer = await preflight(origin);
    expect(answer.status).toBe(404);
    expect(corsHeaders(answer)).toEqual({});
    expect(answer.headers.get('vary')).toBe('Origin');
  },
);

test.each(['/login', '/logout'])(
  'no page of another place may log in or out, not even an allowed one: %s',
  async (path) => {
    const answer = await preflight(ORIGIN, path);
    expect(answer.status).toBe(404);
    expect(corsHeaders(answer)).toEqual({});
  },
);

test('an answer is for the page that asked, and is not kept', async () => {
  const answer = await server.post('/decode', { payloads: [await encrypted(1)] }, { headers: { origin: ORIGIN } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN);
  expect(answer.headers.get('vary')).toBe('Origin');
  expect(answer.headers.get('cache-control')).toBe('no-store');
});

test('an allowed page learns why it is refused', async () => {
  const headers = { origin: ORIGIN, authorization: undefined };
  const answer = await server.post('/decode', { payloads: [] }, { headers });
  expect(answer.status).toBe(401);
  expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN);
});
