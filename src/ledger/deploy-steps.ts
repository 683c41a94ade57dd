import type { DeployRef, PlanStep, StepRecord, StepState } from '../protocol.ts';
import { fencedDeploy, writeAs } from './deploy-record.ts';
import { storable } from '../storable.ts';
import { addEvent } from './events.ts';
import { recordHeldStep } from './held-step.ts';
import type { Ledger } from './pool.ts';

export interface DeployStepRow extends StepRecord {
  readonly runId: string | undefined;
  readonly guard: unknown;
  readonly startedAt: Date | undefined;
  readonly endedAt: Date | undefined;
}

export async function readSteps(ledger: Ledger, environment: string, deploy: string): Promise<DeployStepRow[]> {
  const { rows } = await ledger.pool.query<{
    n: number;
    name: string;
    type: PlanStep['type'];
    state: StepState;
    run_id: string | null;
    guard: unknown;
    result: { note?: string } | null;
    started_at: Date | null;
    ended_at: Date | null;
  }>('select * from lockkeeper._deploy_steps where namespace = $1 and environment = $2 and deploy = $3 order by n', [
    ledger.namespace,
    environment,
    deploy,
  ]);
  return rows.map((r) => ({
    n: r.n,
    name: r.name,
    type: r.type,
    state: r.state,
    ...(r.result?.note !== undefined && { note: r.result.note }),
    runId: r.run_id ?? undefined,
    guard: r.guard ?? undefined,
    startedAt: r.started_at ?? undefined,
    endedAt: r.ended_at ?? undefined,
  }));
}

export interface StepChange {
  readonly n: number;
  readonly state: StepState;
  readonly runId?: string;
  readonly note?: string;
}

/**
 * Writes down what became of a step. `mayHold`: its run goes on after it, and may be held by it.
 * @throws {LockkeeperError} FENCED
 */
export async function recordStep(
  ledger: Ledger,
  ref: DeployRef,
  { act, mayHold = false, ...change }: StepChange & { readonly act?: number; readonly mayHold?: boolean },
): Promise<void> {
  const begins = change.state === 'started' || change.state === 'compensating';
  await writeAs(ledger, ref, act, async (db) => {
    await db.query(
      `update lockkeeper._deploy_steps set state = $5, run_id = coalesce($6, run_id), result = $7,
         started_at = case when $8 then coalesce(started_at, now()) else started_at end,
         ended_at = case when $8 then null else now() end
       where namespace = $1 and environment = $2 and deploy = $3 and n = $4`,
      [
        ledger.namespace,
        ref.environment,
        ref.deploy,
        change.n,
        change.state,
        change.runId ?? null,
        change.note === undefined ? null : { note: storable(change.note) },
        begins,
      ],
    );
    await addEvent(
      ledger,
      { environment: ref.environment, deploy: ref.deploy, actor: 'lockkeeper', event: 'step', detail: change },
      db,
    );
    if (mayHold) await recordHeldStep(ledger, ref, change, db);
  });
}

/** Writes down the guard of a step's command before the command begins. @throws {LockkeeperError} FENCED */
export async function recordGuard(ledger: Ledger, ref: DeployRef, n: number, guard: object): Promise<void> {
  const { rowCount } = await ledger.pool.query(
    `update lockkeeper._deploy_steps s set guard = $6 from lockkeeper._deploys d
     where s.namespace = $1 and s.environment = $2 and s.deploy = $3 and s.n = $5
       and d.namespace = s.namespace and d.environment = s.environment and d.id = s.deploy and d.fencing_token = $4
       and d.outcome is null and s.state in ('started', 'compensating')`,
    [ledger.namespace, ref.environment, ref.deploy, ref.token, n, guard],
  );
  if (rowCount !== 1) throw fencedDeploy(ref);
}

/** The guard of the step's last command, if it ever ran one. */
export async function readGuard(
  ledger: Ledger,
  ref: { environment: string; deploy: string },
  n: number,
): Promise<unknown> {
  const { rows } = await ledger.pool.query<{ guard: unknown }>(
    'select guard from lockkeeper._deploy_steps where namespace = $1 and environment = $2 and deploy = $3 and n = $4',
    [ledger.namespace, ref.environment, ref.deploy, n],
  );
  return rows[0]?.guard ?? undefined;
}

/** The step's command has ended by itself: nothing of it is to be looked for. */
export async function clearGuard(
  ledger: Ledger,
  ref: { environment: string; deploy: string },
  n: number,
): Promise<void> {
  await ledger.pool.query(
    'update lockkeeper._deploy_steps set guard = null where namespace = $1 and environment = $2 and deploy = $3 and n = $4',
    [ledger.namespace, ref.environment, ref.deploy, n],
  );
}
