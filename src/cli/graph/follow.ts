import { once } from 'node:events';
import type { GraphClient } from '../../client/graph-client.ts';
import type { GraphHandle } from '../../client/graph-handle.ts';
import { formatWholeSeconds } from '../../duration.ts';
import { nodeId } from '../../protocol.ts';
import type { GraphStatus, NodeStatus } from '../../protocol.ts';
import { EXIT } from '../exit-codes.ts';
import { jobEnd } from '../job/job-end.ts';
import { GraphEnd } from '../json/graphs.ts';
import { printLineAs } from '../json/print.ts';
import type { Stop } from '../signals.ts';
import { statusLine } from '../status-line.ts';
import { print, tell } from '../terminal.ts';
import { untilEnd } from '../until-end.ts';
import type { FollowOptions } from '../until-end.ts';
import { elseNoGraph } from './no-graph.ts';

/** Names on the line of what goes on. */
const NAMED = 3;

/** Tells what becomes of each node until the graph ends; then its result, and the exit code that tells how it ended. */
export const followGraph = (
  graphs: GraphClient,
  handle: GraphHandle,
  options: FollowOptions,
  stop: Stop,
): Promise<number> =>
  untilEnd(
    {
      kind: 'graph',
      id: handle.id,
      show: (leave) => elseNoGraph(handle.id, graphs, () => showNodes(handle, leave)),
      end: () => printEnd(handle, options),
    },
    options,
    stop,
  );

/** On standard error, so that standard output holds the result only. */
async function showNodes(handle: GraphHandle, leave: AbortSignal): Promise<void> {
  const left = (leave.aborted ? Promise.resolve() : once(leave, 'abort')).then(() => undefined);
  const line = statusLine();
  const began = performance.now();
  const looks = handle.progress({ signal: leave });
  const told = new Map<string, string>();
  let doing = 'waits for a worker that serves its queue';
  line.show(() => `${handle.id} ${doing}, ${formatWholeSeconds(performance.now() - began)}`);
  try {
    for (;;) {
      const next = await Promise.race([looks.next(), left]);
      if (!next || next.done) break;
      for (const node of next.value.nodes) {
        if (node.state !== 'pending' && told.get(node.name) !== node.state) line.tell(nodeLine(handle.id, node));
        told.set(node.name, node.state);
      }
      doing = whatGoesOn(next.value);
    }
  } finally {
    line.hide();
  }
}

/** `mirror a failed: the disk is full` */
export function nodeLine(graphId: string, { name, state, reason }: NodeStatus): string {
  const why = reason === undefined ? '' : `: ${reason}`;
  if (state !== 'quarantined') return `${name} ${state}${why}`;
  return `${name} waits for a person${why}; lockkeeper job release '${nodeId(graphId, name)}' …`;
}

/** `running, 3 of 12 done: mirror a, mirror b, mirror c and 2 more` */
export function whatGoesOn({ phase, nodes }: GraphStatus): string {
  const of = (state: NodeStatus['state']) => nodes.filter((node) => node.state === state).map(({ name }) => name);
  const running = of('running');
  const names = running.slice(0, NAMED).join(', ');
  const more = running.length > NAMED ? ` and ${running.length - NAMED} more` : '';
  return `${phase}, ${of('done').length} of ${nodes.length} done${running.length > 0 ? `: ${names}${more}` : ''}`;
}

async function printEnd(handle: GraphHandle, options: FollowOptions): Promise<number> {
  const end = await jobEnd(handle);
  if (options.json) printLineAs(GraphEnd, { id: handle.id, ...end });
  else if (end.state === 'done')
    print(end.result === undefined ? `graph ${handle.id} done` : JSON.stringify(end.result));
  else if (end.state === 'failed') tell(`lockkeeper: graph ${handle.id} failed: ${end.reason}`);
  else
    tell(
      `lockkeeper: graph ${handle.id} cancelled. What is done stays; lockkeeper graph rerun ${handle.id} does the rest`,
    );
  return { done: EXIT.ok, failed: EXIT.failed, cancelled: EXIT.aborted }[end.state];
}
