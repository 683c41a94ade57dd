import type { Finding } from '../problems.ts';
import { field, itemsOf } from '../raw.ts';
import { receiverTypes } from '../schema/notices.ts';
import type { Source } from '../source.ts';
import { duplicates } from './duplicates.ts';
import { checkItemNames } from './item-names.ts';

/** Receivers that are called the same, and lists that name something twice. */
export function checkNotices(source: Source): Finding[] {
  const receivers = itemsOf(field(source.value, 'notices'));
  return [
    ...checkItemNames(source, ['notices'], receivers, receiverTypes),
    ...receivers.flatMap((_, i) =>
      ['events', 'jobs', 'owners'].flatMap((list) => duplicates(source, ['notices', i, list])),
    ),
  ];
}
