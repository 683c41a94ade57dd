import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { SESSION_COOKIE, signerOf } from './access.ts';
import type { AccessRules } from './access.ts';
import { LOGIN_PAGE, LOGIN_SCRIPT, LOGIN_STYLE, SPENT_LINK_PAGE } from './login-page.ts';
import type { LoginLinks } from './login-links.ts';
import { Refusal } from './refusals.ts';
import { SESSION_LIFETIME } from './sessions.ts';

export interface LoginOptions {
  readonly rules: AccessRules;
  /** The links that log in whoever opens them first. */
  readonly links: LoginLinks;
  /** Where a link leads when it has logged in; undefined: to the page of the login. */
  readonly afterLogin: () => string | undefined;
}

const loginBody = z.object({ token: z.string() });

/** The page where a browser that can send no header is given a session, for the token. */
export function loginRoutes(app: FastifyInstance, { rules, links, afterLogin }: LoginOptions, done: () => void): void {
  app.get('/', { prefixTrailingSlash: 'slash' }, (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(LOGIN_PAGE),
  );
  app.get('/login.js', (_request, reply) => reply.type('text/javascript; charset=utf-8').send(LOGIN_SCRIPT));
  app.get('/login.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(LOGIN_STYLE));

  // JSON alone is read, and a page of another origin may not send that: its browser asks first, and gets no leave here.
  app.post('/login', async (request, reply) => {
    const body = loginBody.safeParse(request.body);
    if (!body.success) throw new Refusal(400, 'expected {"token": "…"}');
    giveSession(request, reply, rules.sessions.begin(await signerOf(body.data.token.trim(), request, reply, rules)));
    return reply.code(204).send();
  });
  app.post('/logout', (_request, reply) => reply.clearCookie(SESSION_COOKIE, { path: '/' }).code(204).send());

  app.get<{ Params: { code: string } }>('/login/:code', async (request, reply) => {
    const signer = links.use(request.params.code);
    if (!signer) return reply.code(403).type('text/html; charset=utf-8').send(SPENT_LINK_PAGE);
    giveSession(request, reply, rules.sessions.begin(signer));
    return reply.redirect(afterLogin() ?? '../', 303);
  });
  done();
}

function giveSession(request: FastifyRequest, reply: FastifyReply, session: string): void {
  // A proxy that ends TLS says so; who lies about it makes only his own cookie stricter.
  const secure = request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https';
  void reply.setCookie(SESSION_COOKIE, session, {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure,
    maxAge: SESSION_LIFETIME / 1_000,
  });
}
