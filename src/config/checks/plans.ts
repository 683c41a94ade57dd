import { GATES_PLAN } from '../../protocol.ts';
import { unknownWord } from '../../did-you-mean.ts';
import type { Finding } from '../problems.ts';
import { entriesOf, field, isMap, itemsOf, keysOf, stringsOf } from '../raw.ts';
import type { Source } from '../source.ts';
import { duplicates } from './duplicates.ts';
import { checkSteps } from './steps.ts';

/** Plans that pause queues that do not exist, and what is wrong between their steps. */
export function checkPlans(source: Source): Finding[] {
  return entriesOf(field(source.value, 'plans')).flatMap(([plan, options]) => [
    ...checkName(plan),
    ...duplicates(source, ['plans', plan, 'queues']),
    ...checkPlanQueues(source, ['plans', plan, 'queues'], field(options, 'queues')),
    ...duplicates(source, ['plans', plan, 'approvals', 'allowed']),
    ...checkApprovals(['plans', plan, 'approvals'], field(options, 'approvals')),
    ...checkSteps(source, ['plans', plan, 'steps'], itemsOf(field(options, 'steps'))),
  ]);
}

/** Fewer people than are asked for would never be enough. */
function checkApprovals(path: readonly string[], approvals: unknown): Finding[] {
  const count = Number(field(approvals, 'count') ?? 1);
  const allowed = field(approvals, 'allowed');
  if (!Array.isArray(allowed) || !(count > allowed.length)) return [];
  const message = `${count} must approve, and only ${allowed.length} may`;
  return [{ path: [...path, 'allowed'], message }];
}

function checkName(plan: string): Finding[] {
  if (plan !== GATES_PLAN) return [];
  const message = `\`${GATES_PLAN}\` is the plan of \`lockkeeper gates close\`; use another name`;
  return [{ path: ['plans', plan], atKey: true, message }];
}

function checkPlanQueues(source: Source, path: readonly string[], queues: unknown): Finding[] {
  const declared = field(source.value, 'queues');
  // Left out, they are those of the jobs, and `withQueues` checks.
  if (!isMap(declared)) return [];
  const known = keysOf(declared);
  return stringsOf(queues)
    .filter(([, queue]) => !known.includes(queue))
    .map(([i, queue]) => {
      const at = [...path, i];
      return { path: at, message: unknownWord('queue', source.shown(at), queue, known) };
    });
}
