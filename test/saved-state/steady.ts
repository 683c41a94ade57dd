import { once } from 'node:events';
import type { OnUnrestorable } from '../../src/jobs/define-job.ts';
import { defineJob } from '../../src/jobs/index.ts';
import type { AnyJob, StateSpec } from '../../src/jobs/index.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { eventually } from '../support/eventually.ts';
import { QUEUE } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

export const ACTIONS = ['quarantine', 'previous', 'restart'] as const;
export const HELD_AT = 4;
export const END = 6;
/** Many jobs at once, on a machine that may have other work. */
export const LONG = { within: 30_000 };

export interface At {
  readonly at: number;
}
/** Ids of jobs that are not held any more. */
const letGo = new Set<string>();

/** Counts to 6, one checkpoint each, and tells where it began. With `hold` it stays before 4, the first time, until its worker stops. */
export const steady = (
  onUnrestorable: OnUnrestorable,
  name = 'steady',
  state: StateSpec<At> = { initial: { at: 0 } },
) =>
  defineJob({
    name: `${name}-${onUnrestorable}`,
    taskQueue: QUEUE,
    state,
    checkpointEvery: 0,
    onUnrestorable,
    async *run(job, { hold }: { hold: boolean }) {
      const began = job.state.at;
      for (let at = began + 1; at <= END; at += 1) {
        if (at === HELD_AT && hold && !letGo.has(job.id) && !job.stopping.aborted) await once(job.stopping, 'abort');
        yield { at };
      }
      return { began, at: END };
    },
  });

/** Starts jobs by id, lets each come to checkpoint 4 and step aside there because its worker stops. */
export async function held(scene: Scene, jobs: Readonly<Record<string, AnyJob>>): Promise<void> {
  const ids = Object.keys(jobs);
  const byName = new Map(Object.values(jobs).map((job) => [job.name, job]));
  const worker = await scene.startWorker([...byName.values()], 'before');
  for (const [id, job] of Object.entries(jobs)) await scene.jobs.start(job, { hold: true }, { id });
  await eventually(() => expectAt(scene.ledger, ids, HELD_AT - 1), LONG);
  ids.forEach((id) => letGo.add(id));
  await worker.stop();
  await expectAt(scene.ledger, ids, HELD_AT);
}

async function expectAt(ledger: Ledger, ids: readonly string[], seq: number): Promise<void> {
  const { rows } = await ledger.pool.query<{ id: string }>(
    'select workflow_id as id from lockkeeper._jobs where workflow_id = any($1) and seq = $2',
    [ids, seq],
  );
  if (rows.length !== ids.length) throw new Error(`${rows.length} of ${ids.length} jobs are at checkpoint ${seq}`);
}

/** A job's identity in the ledger. */
export async function keyOf(scene: Scene, id: string): Promise<string> {
  return (await scene.jobs.handle(id).row())!.key!;
}
