import { isDeployEvent } from '../../notices/events.ts';
import type { Finding } from '../problems.ts';
import { field, itemsOf, stringsOf } from '../raw.ts';
import { receiverTypes } from '../schema/notices.ts';
import type { Source } from '../source.ts';
import { duplicates } from './duplicates.ts';
import { checkItemNames } from './item-names.ts';

/** Receivers that are called the same, lists that name something twice, and what would never be told. */
export function checkNotices(source: Source): Finding[] {
  const receivers = itemsOf(field(source.value, 'notices'));
  return [
    ...checkItemNames(source, ['notices'], receivers, receiverTypes),
    ...receivers.flatMap((_, i) =>
      ['events', 'jobs', 'owners'].flatMap((list) => duplicates(source, ['notices', i, list])),
    ),
    ...receivers.flatMap((receiver, i) => deploysOfSomeJobs(source, receiver, i)),
  ];
}

/** A deploy is nobody's job: a receiver of some jobs or owners would never hear of one. */
function deploysOfSomeJobs(source: Source, receiver: unknown, i: number): Finding[] {
  const narrow = ['jobs', 'owners'].find((list) => field(receiver, list) !== undefined);
  if (narrow === undefined) return [];
  return stringsOf(field(receiver, 'events'))
    .filter(([, event]) => isDeployEvent(event))
    .map(([k]) => {
      const path = ['notices', i, 'events', k];
      return {
        path,
        message: `${source.shown(path)} is told of all deploys, and \`${narrow}\` narrows this receiver to some jobs: give deploys a receiver of their own`,
      };
    });
}
