import type { FastifyInstance } from 'fastify';
import type { Logger } from '../log.ts';

/** What a request's line in the log says of it. */
export interface Told {
  /** One of those that are served: another one is text of a stranger. */
  namespace?: string;
  by?: 'token' | 'access token' | 'session';
  /** Payloads. */
  count?: number;
  /** Why payloads came back as they were, by error code. */
  failed?: Record<string, number>;
}

declare module 'fastify' {
  interface FastifyRequest {
    told: Told;
  }
}

/** One line for each request: nothing of its body, its token, its cookie, or of a path that is none of ours. */
export function logAccess(app: FastifyInstance, log: Logger): void {
  app.decorateRequest('told', null as never);
  app.addHook('onRequest', (request, _reply, done) => {
    request.told = {};
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { url: path } = request.routeOptions;
    const level = path === '/health' || path === '*' ? 'debug' : 'info';
    log[level](
      {
        method: request.method,
        path: path ?? '(none of ours)',
        ...request.told,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        from: request.ip,
      },
      'request',
    );
    done();
  });
}

export function countByCode(codes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}
