import { coordinatorTaskQueue } from '../../protocol.ts';
import { unknownWord } from '../../did-you-mean.ts';
import type { Finding } from '../problems.ts';
import { entriesOf, field, keysOf, stringsOf } from '../raw.ts';
import type { Source } from '../source.ts';
import { duplicates } from './duplicates.ts';

/** Queues that do not exist, or that no deploy may pause. */
export function checkQueues(source: Source): Finding[] {
  const queues = field(source.value, 'queues');
  const known = keysOf(queues);
  const environment = field(source.value, 'environment');
  if (queues == null && field(source.value, 'jobs') == null) {
    return [{ path: [], message: 'there is nothing to pause: set `jobs`, `queues` or both' }];
  }
  return entriesOf(queues).flatMap(([queue, options]) => [
    ...(typeof environment === 'string' && queue === coordinatorTaskQueue(environment)
      ? [
          {
            path: ['queues', queue],
            atKey: true,
            message: `\`${queue}\` is the queue on which the deploys themselves run; no deploy may pause it`,
          },
        ]
      : []),
    ...duplicates(source, ['queues', queue, 'after']),
    ...stringsOf(field(options, 'after'))
      .filter(([, feeder]) => !known.includes(feeder))
      .map(([i, feeder]) => {
        const path = ['queues', queue, 'after', i];
        return { path, message: unknownWord('queue', source.shown(path), feeder, known) };
      }),
  ]);
}
