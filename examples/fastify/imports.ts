import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { LockkeeperError } from 'lockkeeper';
import type { JobHandle, JobRow, Lockkeeper } from 'lockkeeper';
import { eventStream } from './event-stream.ts';
import { importCities } from './jobs.ts';

const NEW_IMPORT = {
  headers: { type: 'object', properties: { 'idempotency-key': { type: 'string', pattern: '^[\\w.-]{1,100}$' } } },
  body: {
    type: 'object',
    required: ['cities'],
    additionalProperties: false,
    properties: { cities: { type: 'array', minItems: 1, items: { type: 'string' } } },
  },
};

interface ById {
  Params: { id: string };
}

/** Imports of cities: each is a job, and its id is the import's. */
export async function imports(service: FastifyInstance, { lockkeeper }: { lockkeeper: Lockkeeper }): Promise<void> {
  const { jobs } = lockkeeper;
  const closing = new AbortController();
  service.addHook('preClose', async () => closing.abort());

  /** Jobs of other kinds are none of this service's business. */
  async function find(id: string): Promise<{ job: JobHandle<{ imported: number }>; row: JobRow }> {
    const job = jobs.handle<typeof importCities>(id);
    const row = await job.describe();
    if (row.name === importCities.name) return { job, row };
    throw new LockkeeperError('JOB_NOT_FOUND', `there is no import ${id}`);
  }

  // The same key again is the same import, however often the request is repeated.
  service.post<{ Headers: { 'idempotency-key'?: string }; Body: { cities: string[] } }>(
    '/',
    { schema: NEW_IMPORT },
    async (request, reply) => {
      const id = `import-${request.headers['idempotency-key'] ?? randomUUID()}`;
      const job = await jobs.start(importCities, { cities: request.body.cities }, { id });
      return reply
        .code(202)
        .header('location', `/imports/${id}`)
        .send(shown(await job.describe()));
    },
  );

  service.get('/', async () => (await jobs.list({ name: importCities.name })).map(shown));

  service.get<ById>('/:id', async ({ params }) => {
    const { job, row } = await find(params.id);
    return row.state === 'done' ? { ...shown(row), result: await job.result() } : shown(row);
  });

  service.get<ById>('/:id/events', async ({ params }, reply) => {
    const { job } = await find(params.id);
    const left = new AbortController();
    reply.raw.on('close', () => left.abort());
    const rows = job.progress({ signal: AbortSignal.any([left.signal, closing.signal]) });
    return reply.type('text/event-stream').header('cache-control', 'no-cache').send(eventStream(rows, shown));
  });

  service.delete<ById>('/:id', async ({ params }, reply) => {
    const { job } = await find(params.id);
    await job.cancel();
    return reply.code(202).send(shown(await job.describe()));
  });
}

const shown = ({ workflowId, state, progress, reason }: JobRow) => ({
  id: workflowId,
  state,
  done: progress.done ?? 0,
  ...(progress.total !== undefined && { total: progress.total }),
  ...(reason !== undefined && { reason }),
});
