import type { Finding } from '../problems.ts';
import { entriesOf, field, stringsOf } from '../raw.ts';
import type { Source } from '../source.ts';

/** Queues that feed each other in a circle have no order in which they could be closed. Each circle is reported once. */
export function checkQueueOrder(source: Source): Finding[] {
  const after = new Map(
    entriesOf(field(source.value, 'queues')).map(([queue, options]) => [
      queue,
      stringsOf(field(options, 'after')).map(([i, feeder]) => ({ feeder, path: ['queues', queue, 'after', i] })),
    ]),
  );
  const findings: Finding[] = [];
  const done = new Set<string>();
  const follow = (queue: string, trail: readonly string[]) => {
    for (const { feeder, path } of after.get(queue) ?? []) {
      const begin = trail.indexOf(feeder);
      if (begin >= 0) {
        const circle = [...trail.slice(begin), feeder].map((name) => `\`${name}\``).join(' after ');
        findings.push({ path, message: `queues wait for each other in a circle: ${circle}` });
      } else if (!done.has(feeder)) {
        follow(feeder, [...trail, feeder]);
      }
    }
    done.add(queue);
  };
  for (const queue of after.keys()) if (!done.has(queue)) follow(queue, [queue]);
  return findings;
}
