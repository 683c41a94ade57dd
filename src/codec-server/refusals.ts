import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../log.ts';

/** A request that is not answered, and what is said of it: nothing that came with it. */
export class Refusal extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.name = 'Refusal';
    this.statusCode = statusCode;
  }
}

/** What Fastify refuses by itself, in words that hold nothing of the body: a JSON parser would quote it. */
const OWN_WORDS: Readonly<Record<string, readonly [statusCode: number, message: string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'the content type must be application/json'],
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'the body is too large'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'the body is empty'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'the body is not JSON that can be used'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'the body is not as long as its header says'],
};

/** Every error as `{ error }`, its words by us; what nobody expected is told to the log alone. */
export function answerErrors(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error: FastifyError, _request: FastifyRequest, reply: FastifyReply) => {
    const [statusCode, message] =
      error instanceof Refusal ? [error.statusCode, error.message] : (OWN_WORDS[error.code] ?? byStatus(error));
    // Its message may hold what was in the request.
    if (statusCode >= 500) log.error({ error: error.name, code: error.code }, 'a request could not be answered');
    return reply.code(statusCode).send({ error: message });
  });
}

export function answerUnknownPaths(app: FastifyInstance): void {
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: 'there is POST /decode, POST /encode, GET /health and the login page GET /' }),
  );
}

function byStatus(error: FastifyError): readonly [number, string] {
  const status = error.statusCode ?? 500;
  return status >= 400 && status < 500 ? [status, 'the request cannot be used'] : [500, 'it could not be answered'];
}
