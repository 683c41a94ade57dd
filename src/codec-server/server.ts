import type { AddressInfo } from 'node:net';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { LockkeeperError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { AccessRules } from './access.ts';
import { accessTokenCheck } from './access-tokens.ts';
import { logAccess } from './access-log.ts';
import { codecRoutes } from './codec-routes.ts';
import { LoginLinks } from './login-links.ts';
import { loginRoutes } from './login-routes.ts';
import { answerErrors, answerUnknownPaths } from './refusals.ts';
import { Sessions } from './sessions.ts';
import type { CodecServerSettings } from './settings.ts';
import { Tokens } from './tokens.ts';
import { fronted } from './web-ui.ts';

/** What one history event may hold (4 MB), in base64, and room for its names. Bytes. */
const LARGEST_BODY = 8 * 1_048_576;
const LARGEST_HEADERS = 16_384;
/** From the first byte of a request to its last, milliseconds. */
const REQUEST_TIMEOUT = 30_000;
const HEADERS_TIMEOUT = 10_000;
/** How late a request that is too slow may be noticed. */
const TIMEOUT_CHECK = 1_000;
const MOST_CONNECTIONS = 1_000;
/** Wrong tokens of one address in a minute. */
const MOST_FAILURES = 20;
const A_MINUTE = 60_000;
/** A request under way when the server is stopped has as long to end. */
const CLOSE_WITHIN = 5_000;

export interface CodecServerOptions extends CodecServerSettings {
  readonly log: Logger;
  /** For tests: milliseconds until a request must have come in. */
  readonly requestTimeout?: number;
  /** Shows Temporal's Web UI at this server's own address, and itself below `/codec`: see web-ui.ts. */
  readonly inFrontOfWebUi?: boolean;
}

export interface CodecServer {
  /** What Web UI and CLI are told. */
  readonly url: string;
  /** A link that logs in the first browser that opens it. */
  readonly loginLink: () => string;
  /** Where the Web UI is that it stands in front of, once that runs. */
  readonly showWebUi: (url: string) => void;
  /** Requests under way end first; those that do not are cut off after 5 s. */
  readonly close: () => Promise<void>;
}

/**
 * Lets Temporal's Web UI and CLI read what lockkeeper has encrypted: for whoever has a token, for pages of the origins named,
 * for the namespaces named.
 * @throws {LockkeeperError} PORT_TAKEN
 * @example const server = await startCodecServer({ ...settings, log: createLogger() });
 */
export async function startCodecServer(options: CodecServerOptions): Promise<CodecServer> {
  const { address, port, keyring, log, tls } = options;
  const tokens = new Tokens(options.tokens);
  const links = new LoginLinks();
  const app = createApp(options);
  endConnectionsWithTheirRequests(app);
  logAccess(app, log);
  answerErrors(app, log);
  await app.register(rateLimit, { global: false });
  const countFailure = app.createRateLimit({ max: MOST_FAILURES, timeWindow: A_MINUTE });

  const origins = [...options.origins];
  const rules: AccessRules = {
    tokens,
    sessions: new Sessions(tokens),
    checkAccessToken: options.accessTokens && accessTokenCheck(options.accessTokens),
    origins,
    namespaces: options.namespaces,
    tooManyFailures: async (request) => {
      const limit = await countFailure(request);
      return !limit.isAllowed && limit.isExceeded;
    },
  };
  let webUi: string | undefined;
  const prefix = options.inFrontOfWebUi ? '/codec' : '';
  await app.register(
    async (own) => {
      await secureAnswers(own, tls !== undefined);
      await own.register(cookie);
      await own.register(codecRoutes, { keyring, rules });
      await own.register(loginRoutes, { rules, links, afterLogin: () => (webUi === undefined ? undefined : '/') });
      own.get('/health', () => ({ status: 'ok' }));
      answerUnknownPaths(own);
    },
    { prefix },
  );
  if (options.inFrontOfWebUi) await app.register(fronted, { webUi: () => webUi });

  const origin = await listen(app, address, port);
  // Its own pages may ask, too.
  if (options.inFrontOfWebUi) origins.push(origin);
  return {
    url: `${origin}${prefix}`,
    loginLink: () => `${origin}${prefix}/login/${links.make(tokens.digests[0]!)}`,
    showWebUi: (url) => (webUi = url),
    close: () => close(app),
  };
}

function createApp({ tls, requestTimeout = REQUEST_TIMEOUT }: CodecServerOptions): FastifyInstance {
  const limits = {
    maxHeaderSize: LARGEST_HEADERS,
    headersTimeout: Math.min(HEADERS_TIMEOUT, requestTimeout),
    connectionsCheckingInterval: Math.min(TIMEOUT_CHECK, requestTimeout),
  };
  const manners = {
    bodyLimit: LARGEST_BODY,
    requestTimeout,
    // The log is ours: Fastify's would tell addresses with all that is in them.
    logger: false,
    forceCloseConnections: 'idle',
    frameworkErrors: (_error: unknown, _request: unknown, reply: FastifyReply) =>
      void reply.code(400).send({ error: 'the address cannot be read' }),
  } as const;
  const app: FastifyInstance = tls
    ? fastify({ ...manners, https: { ...tls, ...limits, minVersion: 'TLSv1.2' } })
    : fastify({ ...manners, http: limits });
  app.server.maxConnections = MOST_CONNECTIONS;
  // Only JSON: a form of another page cannot send that.
  app.removeContentTypeParser('text/plain');
  return app;
}

async function secureAnswers(app: FastifyInstance, tls: boolean): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'none'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Only who has TLS may ask for it from now on.
    strictTransportSecurity: tls,
  });
  app.addHook('onRequest', (_request, reply, done) => {
    void reply.header('cache-control', 'no-store');
    done();
  });
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    await app.close();
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL' && code !== 'ENOTFOUND') throw error;
    throw new LockkeeperError('PORT_TAKEN', `the codec server cannot listen on ${host}:${port} (${code})`, {
      next: 'Stop what listens there, or choose another address or port',
      cause: error,
    });
  }
  const { port: own } = app.server.address() as AddressInfo;
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${'cert' in app.server || app.initialConfig.https ? 'https' : 'http'}://${shown}:${own}`;
}

/** When it closes: else a connection is kept for a next request, and closing waits for that. */
function endConnectionsWithTheirRequests(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing) void reply.header('connection', 'close');
    done();
  });
}

async function close(app: FastifyInstance): Promise<void> {
  const cutOff = setTimeout(() => app.server.closeAllConnections(), CLOSE_WITHIN);
  try {
    await app.close();
  } finally {
    clearTimeout(cutOff);
  }
}
