import { LockkeeperError } from '../errors.ts';
import { CODE } from '../protocol.ts';
import type { DeployRef, Direction, Outcome, ResolvedPlan } from '../protocol.ts';
import { contentHash, deployRow, readDeploy } from './deploys.ts';
import type { DeployRow, RawDeploy } from './deploys.ts';
import { storable } from '../storable.ts';
import { addEvent } from './events.ts';
import { inTransaction } from './pool.ts';
import type { Ledger, Queryable } from './pool.ts';

export interface Grant {
  readonly row: DeployRow;
  readonly plan: ResolvedPlan;
}

/**
 * Code 300: gives a run of a deploy its fencing token, higher than that of any run before. The first run writes down
 * the resolved plan; a later one goes on with that very plan.
 * @throws {LockkeeperError} DEPLOY_NOT_FOUND, DEPLOY_NOT_CURRENT when it has ended already, FENCED when a later run has it
 */
export async function grantLock(
  ledger: Ledger,
  environment: string,
  id: string,
  runId: string,
  resolve: (row: DeployRow) => ResolvedPlan,
): Promise<Grant> {
  const row = await readDeploy(ledger, environment, id);
  const plan = row.resolvedPlan ?? resolve(row);
  return inTransaction(ledger, async (client) => {
    const { rows } = await client.query<RawDeploy>(
      `update lockkeeper._deploys set
         fencing_token = case when run_ids[array_upper(run_ids, 1)] = $4 then fencing_token else nextval('lockkeeper._fencing_token') end,
         last_act = case when run_ids[array_upper(run_ids, 1)] = $4 then last_act else 0 end,
         run_ids = case when run_ids[array_upper(run_ids, 1)] = $4 then run_ids else run_ids || $4::text end,
         code = greatest(code, $5), resolved_plan = $6, plan_hash = $7, lock_granted_at = coalesce(lock_granted_at, now()),
         turn_at = coalesce(turn_at, now())
       where namespace = $1 and environment = $2 and id = $3 and outcome is null and approval_order is not null
         and (run_ids[array_upper(run_ids, 1)] = $4 or not $4 = any(run_ids)) returning *`,
      [ledger.namespace, environment, id, runId, CODE.lockGranted, plan, contentHash(plan)],
    );
    if (!rows[0]) throw await refusedGrant(ledger, environment, id, runId);
    for (const [index, step] of plan.steps.entries()) {
      await client.query(
        `insert into lockkeeper._deploy_steps (namespace, environment, deploy, n, name, type)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
        [ledger.namespace, environment, id, index + 1, step.name, step.type],
      );
    }
    await addEvent(
      ledger,
      {
        environment,
        deploy: id,
        actor: 'lockkeeper',
        event: 'lockGranted',
        detail: { runId, token: Number(rows[0].fencing_token) },
      },
      client,
    );
    return { row: deployRow(rows[0]), plan };
  });
}

async function refusedGrant(ledger: Ledger, environment: string, id: string, runId: string): Promise<LockkeeperError> {
  const { outcome, runIds, approvalOrder } = await readDeploy(ledger, environment, id);
  if (outcome) return new LockkeeperError('DEPLOY_NOT_CURRENT', `deploy ${id} has ended already: ${outcome}`);
  // Its run was started by hand.
  if (approvalOrder === undefined) return new LockkeeperError('DEPLOY_NOT_APPROVED', `deploy ${id} is not approved`);
  return new LockkeeperError(
    'FENCED',
    `run ${runIds.at(-1)} of deploy ${id} took over: run ${runId} does not get the lock back`,
  );
}

/**
 * Whoever settles a deploy takes the place of its run, which may not be gone after all (its workflow was reset): from now on it
 * writes nothing, and begins nothing. Undefined: the deploy has ended, or was never given the lock.
 */
export async function takeOver(
  ledger: Ledger,
  { environment, deploy }: { environment: string; deploy: string },
): Promise<number | undefined> {
  const { rows } = await ledger.pool.query<{ fencing_token: string }>(
    `update lockkeeper._deploys set fencing_token = nextval('lockkeeper._fencing_token'), last_act = 0
     where namespace = $1 and environment = $2 and id = $3 and fencing_token is not null and outcome is null
     returning fencing_token`,
    [ledger.namespace, environment, deploy],
  );
  return rows[0] && Number(rows[0].fencing_token);
}

/** Another run took over: this one may write nothing more about its deploy. */
export const fencedDeploy = (ref: DeployRef) =>
  new LockkeeperError(
    'FENCED',
    `a later run of deploy ${ref.deploy} holds the lock now: token ${ref.token} may not write any more`,
  );

/**
 * Writes something about a deploy as its run with this token, once for each `act`: an attempt that was frozen may come when
 * later acts have been written. Undefined: whoever writes is not a run.
 * @throws {LockkeeperError} FENCED
 */
export async function writeAs(
  ledger: Ledger,
  ref: DeployRef,
  act: number | undefined,
  write: (db: Queryable) => Promise<void>,
): Promise<void> {
  await inTransaction(ledger, async (client) => {
    const { rows } = await client.query<{ last_act: number }>(
      `select last_act from lockkeeper._deploys
       where namespace = $1 and environment = $2 and id = $3 and fencing_token = $4 for update`,
      [ledger.namespace, ref.environment, ref.deploy, ref.token],
    );
    if (!rows[0]) throw fencedDeploy(ref);
    if (act !== undefined && act <= rows[0].last_act) return;
    await write(client);
    await client.query(
      `update lockkeeper._deploys set last_act = coalesce($4, last_act)
       where namespace = $1 and environment = $2 and id = $3`,
      [ledger.namespace, ref.environment, ref.deploy, act ?? null],
    );
  });
}

/** From now on nothing that this run began before `act` counts: a gate that it opens is not closed again by a late attempt. */
export async function beginAct(ledger: Ledger, ref: DeployRef, act: number): Promise<void> {
  await ledger.pool.query(
    `update lockkeeper._deploys set last_act = greatest(last_act, $5)
     where namespace = $1 and environment = $2 and id = $3 and fencing_token = $4`,
    [ledger.namespace, ref.environment, ref.deploy, ref.token, act],
  );
}

/** The code only grows. @throws {LockkeeperError} FENCED */
export async function recordCode(
  ledger: Ledger,
  ref: DeployRef,
  { code, direction, act }: { code: number; direction: Direction; act?: number },
): Promise<void> {
  await writeAs(ledger, ref, act, async (db) => {
    await db.query(
      `update lockkeeper._deploys set code = greatest(code, $4), direction = $5
       where namespace = $1 and environment = $2 and id = $3`,
      [ledger.namespace, ref.environment, ref.deploy, code, direction],
    );
    await addEvent(
      ledger,
      {
        environment: ref.environment,
        deploy: ref.deploy,
        actor: 'lockkeeper',
        event: 'code',
        detail: { code, direction },
      },
      db,
    );
  });
}

/**
 * Writes the outcome, once. `token` left out: whoever settles a deploy whose run is gone. One that is not approved waits on:
 * that run was started by hand.
 */
export async function recordOutcome(
  ledger: Ledger,
  ref: { environment: string; deploy: string; token?: number },
  outcome: Outcome,
  reason: string | undefined,
): Promise<void> {
  await inTransaction(ledger, async (db) => {
    const { rowCount } = await db.query(
      `update lockkeeper._deploys set outcome = $5, outcome_reason = $6, finished_at = now(),
         code = case when $5 = 'succeeded' then $7 else code end
       where namespace = $1 and environment = $2 and id = $3 and ($4::bigint is null or fencing_token = $4) and outcome is null
         and approval_order is not null`,
      [
        ledger.namespace,
        ref.environment,
        ref.deploy,
        ref.token ?? null,
        outcome,
        reason === undefined ? null : storable(reason),
        CODE.finished,
      ],
    );
    if (rowCount !== 1) return;
    const { environment, deploy } = ref;
    const detail = { outcome, reason };
    await addEvent(ledger, { environment, deploy, actor: 'lockkeeper', event: 'finished', detail }, db);
  });
}
