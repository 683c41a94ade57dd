import { Command } from 'commander';
import { GraphClient } from '../../client/graph-client.ts';
import type { GraphRow } from '../../client/graph-list.ts';
import { isLockkeeperError } from '../../errors.ts';
import type { JobRow } from '../../ledger/jobs.ts';
import { nodeId } from '../../protocol.ts';
import type { GraphStatus } from '../../protocol.ts';
import { withBoth } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { formatProgress } from '../job/progress.ts';
import { ShownGraph as ShownGraphJson } from '../json/graphs.ts';
import { printAs } from '../json/print.ts';
import { exits, jsonOption, withExample } from '../options.ts';
import type { JsonOptions } from '../options.ts';
import { formatTime, table } from '../table.ts';
import { print, widthOf } from '../terminal.ts';
import { elseNoGraph } from './no-graph.ts';

/** A workflow answers only while some worker serves its queue, milliseconds. */
const ASK_WITHIN = 3_000;

export interface ShownGraph {
  readonly id: string;
  readonly row: GraphRow;
  /** What its workflow says; undefined when nobody answers for it. */
  readonly status: GraphStatus | undefined;
  /** Jobs that have begun, by the name of the node. */
  readonly jobs: ReadonlyMap<string, JobRow>;
}

/** What Temporal, its workflow and the ledger say of a graph. */
export async function graphShow(id: string, options: JsonOptions): Promise<number> {
  const shown = await withBoth(async ({ temporal, ledger }): Promise<ShownGraph> => {
    const graphs = new GraphClient(temporal.client, ledger);
    const handle = graphs.handle(id);
    const row = await elseNoGraph(id, graphs, () => handle.describe());
    const status = await temporal.client
      .withDeadline(Date.now() + ASK_WITHIN, () => handle.status())
      .catch((error: unknown) => {
        if (isLockkeeperError(error)) throw error;
        return undefined;
      });
    const jobs = await handle.jobs((status?.nodes ?? []).map(({ name }) => name));
    return { id, row, status, jobs };
  });
  if (options.json) printAs(ShownGraphJson, { ...shown, jobs: Object.fromEntries(shown.jobs) });
  else print(describeGraph(shown, widthOf(process.stdout)));
  return EXIT.ok;
}

export function describeGraph({ id, row, status, jobs }: ShownGraph, width?: number): string {
  const ended = row.endedAt ? `, ended ${formatTime(row.endedAt)}` : '';
  const head = `graph ${row.name} on queue ${row.taskQueue}, started ${formatTime(row.startedAt)}${ended}`;
  if (!status)
    return [
      `${id} ${row.state}, ${row.done} of ${row.nodes} done`,
      head,
      'its nodes: no answer; does a worker serve its queue?',
    ].join('\n');
  const waiting = status.nodes.filter((node) => node.state === 'quarantined');
  return [
    `${id} ${row.state}, ${row.done} of ${row.nodes} done`,
    head,
    '',
    nodeTable(status, jobs, width),
    ...waiting.map(
      ({ name }) =>
        `${name} waits for you: lockkeeper job release '${nodeId(id, name)}' --continue | --restart | --from <seq> | --fail`,
    ),
    ...(row.state === 'failed' || row.state === 'cancelled'
      ? [`Run again what did not succeed: lockkeeper graph rerun ${id}`]
      : []),
  ].join('\n');
}

const nodeTable = ({ nodes }: GraphStatus, jobs: ReadonlyMap<string, JobRow>, width: number | undefined) =>
  table(
    ['NODE', 'JOB', 'STATE', 'PROGRESS', 'NEEDS', 'NOTE'],
    nodes.map((node) => {
      const job = jobs.get(node.name);
      // An earlier run of the graph may have left one behind.
      const progress = job && node.state !== 'pending' && node.state !== 'skipped' ? job : undefined;
      return [
        node.name,
        node.job,
        node.state === 'running' && progress ? stateOfRunning(progress) : node.state,
        progress && formatProgress(progress.progress),
        needs(node.needs),
        node.reason ?? (node.state === 'running' ? (progress?.reason ?? progress?.progress.note) : undefined),
      ];
    }),
    { width, leaveOut: ['NEEDS', 'JOB', 'NOTE', 'PROGRESS'] },
  );

/** The ledger says more of a job at work; of one that ends in this moment it knows before the graph does. */
const stateOfRunning = ({ state }: JobRow) => (state === 'interrupted' || state === 'waiting' ? state : 'running');

/** As many names as help; the whole of it is in `--json`. */
const needs = (names: readonly string[]) =>
  names.length <= 3 ? names.join(', ') : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;

export function graphShowCommand(): Command {
  const command = new Command('show')
    .description('a graph and its nodes')
    .argument('<id>', 'the graph')
    .addOption(jsonOption())
    .action(exits(graphShow));
  return withExample(command, 'lockkeeper graph show nightly-1');
}
