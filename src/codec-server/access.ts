import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AccessTokenCheck } from './access-tokens.ts';
import { Refusal } from './refusals.ts';
import type { Sessions } from './sessions.ts';
import type { Tokens } from './tokens.ts';

/** The cookie of the login page. */
export const SESSION_COOKIE = 'lockkeeper_codec_session';

export interface AccessRules {
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly checkAccessToken?: AccessTokenCheck | undefined;
  /** Of the Web UIs that may ask, as a browser writes them. */
  readonly origins: readonly string[];
  readonly namespaces: readonly string[];
  /** Counts a wrong token; true when its sender has sent too many. */
  readonly tooManyFailures: (request: FastifyRequest) => Promise<boolean>;
}

/**
 * Whether a request to decode or encode is answered, before anything of its body is read. A browser says where its page is from,
 * and only pages of the origins named are listened to, whatever cookie or token comes along.
 * @throws {Refusal} 400, 401, 403, 429
 */
export async function checkAccess(request: FastifyRequest, reply: FastifyReply, rules: AccessRules): Promise<void> {
  const { origin } = request.headers;
  if (origin !== undefined && !rules.origins.includes(origin))
    throw new Refusal(403, 'pages of this origin may not ask: add it to the origins of the codec server');
  await authenticate(request, reply, rules);
  request.told.namespace = namespaceOf(request, rules.namespaces);
}

async function authenticate(request: FastifyRequest, reply: FastifyReply, rules: AccessRules): Promise<void> {
  const bearer = bearerOf(request);
  if (bearer === undefined) {
    const session = request.cookies[SESSION_COOKIE];
    // A browser always names the origin of such a request: without one the cookie did not come from a page.
    const held = session !== undefined && request.headers.origin !== undefined && rules.sessions.holds(session);
    if (!held) throw unauthorized(reply, 'no token: send `Authorization: Bearer <token>`, or log in at this address');
    request.told.by = 'session';
    return;
  }
  request.told.by = (await isAccessToken(bearer, rules)) ? 'access token' : 'token';
  if (request.told.by === 'token') await signerOf(bearer, request, reply, rules);
}

async function isAccessToken(bearer: string, { tokens, checkAccessToken }: AccessRules): Promise<boolean> {
  if (!checkAccessToken || tokens.find(bearer)) return false;
  const found = await checkAccessToken(bearer);
  if (found === 'unknown') throw new Refusal(503, 'the keys of the issuer of access tokens cannot be had');
  return found === 'right';
}

/** What stands for a right token. @throws {Refusal} 401, 429 */
export async function signerOf(
  token: string,
  request: FastifyRequest,
  reply: FastifyReply,
  { tokens, tooManyFailures }: Pick<AccessRules, 'tokens' | 'tooManyFailures'>,
): Promise<Buffer> {
  const signer = tokens.find(token);
  if (signer) return signer;
  // Only wrong ones are counted: behind a proxy, all users may have one address.
  if (await tooManyFailures(request)) throw new Refusal(429, 'too many wrong tokens from this address: wait a minute');
  throw unauthorized(reply, 'the token is not one of those of the codec server');
}

function unauthorized(reply: FastifyReply, message: string): Refusal {
  void reply.header('www-authenticate', 'Bearer');
  return new Refusal(401, message);
}

function bearerOf(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined) return undefined;
  // Somebody who gives the token alone has forgotten the word before it: that is no token.
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '';
}

function namespaceOf(request: FastifyRequest, namespaces: readonly string[]): string {
  const namespace = request.headers['x-namespace'];
  if (typeof namespace !== 'string' || namespace === '')
    throw new Refusal(400, 'no header X-Namespace: a payload opens in its own namespace only');
  if (!namespaces.includes(namespace))
    throw new Refusal(403, 'the payloads of this namespace are not decoded here: add it to the namespaces');
  return namespace;
}
