import type { GraphPhase, KnownNode, NodeSpec, NodeState } from '../protocol.ts';

/** What has become of each node, in the order of the graph. */
export type Progress = ReadonlyMap<string, KnownNode>;

type Needing = Pick<NodeSpec, 'name' | 'needs'>;

/** Those that stop what needs them. */
const STOPPING: readonly NodeState[] = ['failed', 'cancelled', 'skipped'];
/** Those that a worker may be at work on; one in quarantine takes nobody's place. */
const AT_WORK: readonly NodeState[] = ['running'];

const stateOf = (progress: Progress, name: string): NodeState => progress.get(name)?.state ?? 'pending';
const count = (progress: Progress, states: readonly NodeState[]) =>
  [...progress.values()].filter(({ state }) => states.includes(state)).length;

/** Nodes that begin now, in the order of the graph: all they need is done, and there is room. */
export function startable(nodes: readonly Needing[], progress: Progress, maxParallel: number): string[] {
  const room = Math.max(0, maxParallel - count(progress, AT_WORK));
  return nodes
    .filter(({ name }) => stateOf(progress, name) === 'pending')
    .filter(({ needs }) => needs.every((need) => stateOf(progress, need) === 'done'))
    .slice(0, room)
    .map(({ name }) => name);
}

/** Nodes that will never begin because they need, directly or not, one that ended otherwise than done; with that one's name. */
export function stopped(nodes: readonly Needing[], progress: Progress): Map<string, string> {
  const found = new Map<string, string>();
  const stopper = (name: string): string | undefined =>
    found.get(name) ?? (STOPPING.includes(stateOf(progress, name)) ? name : undefined);
  for (let before = -1; before < found.size;) {
    before = found.size;
    for (const { name, needs } of nodes) {
      if (found.has(name) || stateOf(progress, name) !== 'pending') continue;
      const by = needs.map(stopper).find((one) => one !== undefined);
      if (by !== undefined) found.set(name, by);
    }
  }
  return found;
}

/** Nothing runs, nothing waits for a person, and nothing will begin any more. */
export const isOver = (progress: Progress): boolean => count(progress, ['pending', 'running', 'quarantined']) === 0;

export function phaseOf(progress: Progress, cancelled: boolean): GraphPhase {
  if (count(progress, ['quarantined']) > 0) return 'quarantined';
  if (!isOver(progress)) return 'running';
  if (count(progress, ['done']) === progress.size) return 'done';
  return cancelled ? 'cancelled' : 'failed';
}

/** How much of the graph is done, from 0 to 1. */
export const shareDone = (progress: Progress): number => count(progress, ['done']) / progress.size;

/** Failed nodes named in the words of a failure; the others are in its details. */
const NAMED = 10;

/** Why a graph has failed, and what to do: for whoever reads it in the Web UI, a terminal or a mail. */
export function failureSummary(progress: Progress, graphId: string): string {
  const all = [...progress.values()];
  const of = (state: NodeState) => all.filter((node) => node.state === state);
  const failed = [...of('failed'), ...of('cancelled')];
  const skipped = of('skipped');
  const named = failed
    .slice(0, NAMED)
    .map(({ name, state, reason }) => `\`${name}\` ${state}${reason ? `: ${reason}` : ''}`);
  const more = failed.length > NAMED ? [`and ${failed.length - NAMED} more`] : [];
  const names = skipped.slice(0, NAMED).map(({ name }) => `\`${name}\``);
  const others = skipped.length > NAMED ? ` and ${skipped.length - NAMED} more` : '';
  return [
    `${failed.length} of ${all.length} nodes did not succeed: ${[...named, ...more].join('; ')}`,
    ...(skipped.length > 0 ? [`Not begun, because they need those: ${names.join(', ')}${others}`] : []),
    `${of('done').length} done, and they keep their results. Mend the cause, then run the rest again: lockkeeper graph rerun ${shown(graphId)}`,
  ].join('. ');
}

const shown = (id: string) => (/^[\w./-]+$/.test(id) ? id : `'${id}'`);
