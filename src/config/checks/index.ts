import type { Finding } from '../problems.ts';
import { isMap } from '../raw.ts';
import type { Source } from '../source.ts';
import { checkDatabases } from './databases.ts';
import { checkEncryption } from './encryption.ts';
import { duplicates } from './duplicates.ts';
import { checkNotices } from './notices.ts';
import { checkPlans } from './plans.ts';
import { checkQueueOrder } from './queue-order.ts';
import { checkQueues } from './queues.ts';
import { checkShutdown } from './shutdown.ts';

/** Checks what holds between options. */
export function checkRelations(source: Source): Finding[] {
  if (!isMap(source.value)) return [];
  return [
    ...checkShutdown(source),
    ...checkQueues(source),
    ...checkQueueOrder(source),
    ...duplicates(source, ['participants']),
    ...duplicates(source, ['codecServer', 'origins']),
    ...duplicates(source, ['codecServer', 'namespaces']),
    ...duplicates(source, ['codecServer', 'accessTokens', 'values']),
    ...checkDatabases(source),
    ...checkEncryption(source),
    ...checkNotices(source),
    ...checkPlans(source),
  ];
}
