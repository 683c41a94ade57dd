import fastify from 'fastify';
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { isLockkeeperError } from 'lockkeeper';
import type { ErrorCode, Lockkeeper } from 'lockkeeper';
import { imports } from './imports.ts';

/** What the errors of lockkeeper mean to whoever asked over HTTP. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  JOB_INPUT_INVALID: 400,
  JOB_NOT_FOUND: 404,
  // The key was used for another import.
  JOB_EXISTS: 409,
  // It has ended already.
  USAGE: 409,
};

/** The service, on connections that its owner opens and closes. */
export function createService(lockkeeper: Lockkeeper): FastifyInstance {
  const service = fastify({ logger: { level: process.env['LOG_LEVEL'] ?? 'info', stream: process.stderr } });
  service.setErrorHandler((error: FastifyError, request, reply) => refuse(error, reply, request.log));
  void service.register(imports, { lockkeeper, prefix: '/imports' });
  return service;
}

function refuse(error: FastifyError, reply: FastifyReply, log: FastifyInstance['log']) {
  const status = isLockkeeperError(error) ? STATUS[error.code] : error.statusCode;
  if (status !== undefined && status < 500)
    return reply.code(status).send({ code: error.code, message: error.message });
  log.error({ err: error }, 'the request failed');
  return reply.code(500).send({ code: 'INTERNAL', message: 'the request failed; the log says why' });
}
