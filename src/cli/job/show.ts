import { Command } from 'commander';
import { isLockkeeperError } from '../../errors.ts';
import type { KeptCheckpoint } from '../../ledger/kept.ts';
import type { JobRow } from '../../ledger/jobs.ts';
import type { JobStatus } from '../../protocol.ts';
import { withJobs } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { ShownJob as ShownJobJson } from '../json/jobs.ts';
import { printAs } from '../json/print.ts';
import { exits, jsonOption, withExample } from '../options.ts';
import type { JsonOptions } from '../options.ts';
import { formatTime } from '../table.ts';
import { print } from '../terminal.ts';
import { keptLines } from './kept.ts';
import { elseNoJob } from './no-job.ts';
import { behindGate, progressLine } from './progress.ts';

/** A workflow answers only while some worker serves its queue, milliseconds. */
const ASK_WITHIN = 3_000;

export interface ShownJob {
  readonly id: string;
  /** What the ledger says; undefined before the first slice. */
  readonly row: JobRow | undefined;
  /** Before the first slice: the deploy behind whose closed gate it waits. */
  readonly gateClosedBy?: string;
  /** What its workflow says; undefined when nobody answers for it. */
  readonly status: JobStatus | undefined;
  /** It answers, and the key of its answer is not here. */
  readonly encrypted?: boolean;
  /** Of a job in quarantine: what it could go on from. */
  readonly checkpoints?: readonly KeptCheckpoint[];
  /** The others of its workflow, where that is one of a user's own. */
  readonly others?: readonly JobRow[];
}

/** What ledger and workflow say of a job. */
export async function jobShow(id: string, options: JsonOptions): Promise<number> {
  const shown = await withJobs(async ({ temporal, jobs }): Promise<ShownJob> => {
    const handle = jobs.handle(id);
    const [row, ...others] = await handle.rows();
    let encrypted = false;
    const status = await elseNoJob(id, jobs, () =>
      temporal.client.withDeadline(Date.now() + ASK_WITHIN, () => handle.status()),
    ).catch((error: unknown) => {
      // A workflow that Temporal has forgotten may still stand in the ledger, and one without a worker cannot answer.
      if (isLockkeeperError(error, 'JOB_NOT_FOUND') && !row) throw error;
      encrypted = isLockkeeperError(error, 'KEY_MISSING');
      return undefined;
    });
    const gateClosedBy = row ? undefined : (await handle.describe()).gateClosedBy;
    return {
      id,
      row,
      ...(gateClosedBy !== undefined && { gateClosedBy }),
      status,
      encrypted,
      ...(row?.state === 'quarantined' && { checkpoints: await handle.checkpoints() }),
      ...(others.length > 0 && { others }),
    };
  });
  if (options.json) printAs(ShownJobJson, shown);
  else print(describeJob(shown));
  return EXIT.ok;
}

export function describeJob({ id, row, gateClosedBy, status, encrypted, checkpoints, others = [] }: ShownJob): string {
  const unheard = encrypted
    ? 'its answer is encrypted by a key that is not here'
    : 'no answer; does a worker serve its queue?';
  const says = status ? workflowSays(status) : unheard;
  const behind = behindGate({ gateClosedBy });
  if (!row) return [`${id}: not begun yet${behind ? `, ${behind}` : ''}`, `workflow: ${says}`].join('\n');
  const on = row.worker === undefined ? '' : `, on worker ${row.worker} of build ${row.buildId}`;
  const of = row.owner === undefined ? '' : `, of ${row.owner}`;
  return [
    progressLine(row),
    `job ${row.name} on queue ${row.taskQueue}${of}${on}, started ${formatTime(row.createdAt)}`,
    `last checkpoint ${formatTime(row.lastCheckpointAt) ?? 'none'}; interrupted ${times(row.interruptions)}, lost ${times(row.losses)} without progress`,
    ...(row.wentBack ? [`not from its last checkpoint since ${formatTime(row.wentBackAt)}: ${row.wentBack}`] : []),
    ...(row.reason ? [`reason: ${row.reason}`] : []),
    `workflow: ${says}`,
    ...(row.state === 'quarantined' ? [`in quarantine since ${formatTime(row.changedAt)}`] : []),
    ...(checkpoints ? keptLines(checkpoints) : []),
    ...others.map((one) => `in the same workflow: job ${one.name}, ${one.state} (--key ${one.key})`),
    ...(row.state === 'quarantined'
      ? [`It waits for you: lockkeeper job release ${id} --continue | --restart | --from <seq> | --fail`]
      : []),
  ].join('\n');
}

const workflowSays = ({ phase, failures, reason }: JobStatus) =>
  `${phase}${failures > 0 ? `, failed ${times(failures)} without progress` : ''}${reason ? `: ${reason}` : ''}`;

const times = (n: number) => (n === 1 ? 'once' : `${n} times`);

export function jobShowCommand(): Command {
  const command = new Command('show')
    .description('what ledger and workflow say of a job')
    .argument('<id>', 'the job')
    .addOption(jsonOption())
    .action(exits(jobShow));
  return withExample(command, 'lockkeeper job show import-7');
}
