import type { DeployEvent, JobEvent } from '../../src/notices/events.ts';
import type { DeployNotice, JobNotice } from '../../src/notices/notice.ts';
import { receiversOf } from '../../src/notices/receivers.ts';
import type { Receiver } from '../../src/notices/receiver.ts';
import type { ReceiverConfig } from '../../src/notices/receiver-config.ts';
import { JOB_EVENTS } from '../../src/notices/events.ts';

const STATE = {
  'job.interrupted': 'interrupted',
  'job.resumed': 'running',
  'job.quarantined': 'quarantined',
  'job.failed': 'failed',
  'job.finished': 'done',
  'job.cancelled': 'cancelled',
} as const;

export function sampleNotice(
  type: JobEvent = 'job.quarantined',
  job: Partial<JobNotice['data']['job']> = {},
): JobNotice {
  return {
    id: '6f1c2b9e-1f1d-4a59-9d0e-0a3c4f7f6f10',
    type,
    timestamp: '2026-02-03T04:05:06.000Z',
    sequence: 7,
    data: {
      environment: 'production',
      job: {
        id: 'import-7',
        name: 'importCities',
        taskQueue: 'imports',
        owner: 'ada@example.org',
        state: STATE[type],
        checkpoint: 41,
        interruptions: 2,
        ...job,
      },
    },
  };
}

export const sampleDeployNotice = (
  type: DeployEvent,
  deploy: Partial<DeployNotice['data']['deploy']> = {},
): DeployNotice => ({
  id: '0b7d6c52-4f0e-4c43-8c2f-9d0f3c1f6a77',
  type,
  timestamp: '2026-02-03T04:05:06.000Z',
  sequence: 8,
  data: {
    environment: 'production',
    deploy: { id: 'v42', plan: 'release', version: '4.2', requestedBy: 'rita', code: 500, ...deploy },
  },
});

const WANTED = { env: 'URL', events: JOB_EVENTS, details: false };

/** One receiver as a config would make it, with its variables. */
export function receiver(
  config: Partial<ReceiverConfig> & { type: ReceiverConfig['type'] },
  env: Record<string, string>,
): Receiver {
  const full = {
    ...WANTED,
    name: config.type,
    ...(config.type === 'webhook' && { secret: 'SECRET' }),
    ...(config.type === 'mail' && { from: 'Lockkeeper <lockkeeper@example.org>' }),
    ...config,
  } as ReceiverConfig;
  return receiversOf([full], env)[0]!;
}
