import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import type { JobClient } from 'lockkeeper';
import type { ActivityOptions } from '@temporalio/workflow';
import { interval, transactional } from './jobs.ts';
import type { Work } from './jobs.ts';

export interface Contestant {
  readonly name: string;
  /** Starts one of its workers; those with the same command line are shared. */
  readonly worker: readonly [string, ...string[]];
  start(clients: { jobs: JobClient; temporal: Client }, id: string, work: Work): Promise<unknown>;
}

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const LOCKKEEPER = [at('../../dist/cli/main.js'), 'worker', '--config', at('lockkeeper.yaml')] as const;
const plainWorker = (kind: string) => [at('plain-worker.ts'), `plain-${kind}`, kind] as const;
const plain = (kind: string, options: ActivityOptions): Contestant => ({
  name: `Temporal, ${kind}`,
  worker: plainWorker(kind),
  start: ({ temporal }, workflowId, work) =>
    temporal.workflow.start('plain', {
      workflowId,
      taskQueue: `plain-${kind}`,
      args: [work, { startToCloseTimeout: '1 hour', ...options }],
    }),
});

export const CONTESTANTS: readonly Contestant[] = [
  {
    name: 'lockkeeper, transaction',
    worker: LOCKKEEPER,
    start: ({ jobs }, id, work) => jobs.start(transactional, work, { id }),
  },
  {
    name: 'lockkeeper, interval',
    worker: LOCKKEEPER,
    start: ({ jobs }, id, work) => jobs.start(interval, work, { id }),
  },
  plain('usual', { heartbeatTimeout: '30 seconds' }),
  plain('tuned', {
    heartbeatTimeout: '2 seconds',
    retry: { initialInterval: '10 milliseconds', backoffCoefficient: 1 },
  }),
];
