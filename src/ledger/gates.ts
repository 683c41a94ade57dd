import { LockkeeperError } from '../errors.ts';
import type { Ledger, Queryable } from './pool.ts';
import { inTransaction } from './pool.ts';

/** The queue's own rate limit from before the brake; `rate` undefined: it had none. */
export interface LimitBefore {
  readonly rate?: number;
  readonly reason?: string;
}

export interface GateOwner {
  readonly deploy: string;
  /** Fencing token of the deploy run: a later run of the same deploy has a higher one. */
  readonly token: number;
}

/** Who closes a gate, and as its run's how manyth act: one that comes after later ones were done is refused. */
export interface GateCloser extends GateOwner {
  readonly act?: number | undefined;
}

export interface GateRow {
  readonly taskQueue: string;
  readonly environment: string;
  readonly state: 'open' | 'closed' | 'opening';
  readonly generation: number;
  readonly owner: GateOwner | undefined;
  readonly limitBefore: LimitBefore | undefined;
}

interface RawGate {
  task_queue: string;
  environment: string;
  state: GateRow['state'];
  generation: string;
  owner_deploy: string | null;
  owner_token: string | null;
  limit_before: LimitBefore | null;
}
const gateRow = (r: RawGate): GateRow => ({
  taskQueue: r.task_queue,
  environment: r.environment,
  state: r.state,
  generation: Number(r.generation),
  owner: r.owner_deploy === null ? undefined : { deploy: r.owner_deploy, token: Number(r.owner_token) },
  limitBefore: r.limit_before ?? undefined,
});

/**
 * Makes sure that a queue has its gate row; a claim needs it to be there.
 * @throws {LockkeeperError} QUEUE_OF_ANOTHER_ENVIRONMENT
 */
export async function ensureGate(ledger: Ledger, environment: string, taskQueue: string): Promise<void> {
  await ledger.pool.query(
    'insert into lockkeeper._gates (namespace, task_queue, environment) values ($1, $2, $3) on conflict do nothing',
    [ledger.namespace, taskQueue, environment],
  );
  const gate = await readGate(ledger.pool, ledger.namespace, taskQueue);
  if (gate?.environment !== environment) {
    throw new LockkeeperError(
      'QUEUE_OF_ANOTHER_ENVIRONMENT',
      `task queue ${taskQueue} belongs to environment ${gate?.environment ?? '(none)'}, not to ${environment}`,
      {
        next: 'A queue belongs to one environment only: rename the queue, or correct `environment` in lockkeeper.yaml',
      },
    );
  }
}

export async function readGate(
  db: Queryable,
  namespace: string,
  taskQueue: string,
  lock = '',
): Promise<GateRow | undefined> {
  const { rows } = await db.query<RawGate>(
    `select * from lockkeeper._gates where namespace = $1 and task_queue = $2 ${lock}`,
    [namespace, taskQueue],
  );
  return rows[0] && gateRow(rows[0]);
}

export async function readGates(ledger: Ledger, environment: string): Promise<GateRow[]> {
  const { rows } = await ledger.pool.query<RawGate>(
    'select * from lockkeeper._gates where namespace = $1 and environment = $2 order by task_queue',
    [ledger.namespace, environment],
  );
  return rows.map(gateRow);
}

/**
 * Closes the fence for a deploy, or finds that it already has. Waits for claims in flight, so that they are counted.
 * `limit` is the queue's present rate limit, kept unless one from before is already known.
 * Returns the gate's generation, which goes into the brake's reason and into drain signals.
 * @throws {LockkeeperError} GATE_OWNED_BY_ANOTHER, FENCED
 */
export async function closeFence(
  ledger: Ledger,
  taskQueue: string,
  owner: GateCloser,
  limit: LimitBefore | undefined,
): Promise<number> {
  return inTransaction(ledger, async (client) => {
    const gate = await readGate(client, ledger.namespace, taskQueue, 'for update');
    if (!gate) throw new LockkeeperError('GATE_OWNED_BY_ANOTHER', `task queue ${taskQueue} has no gate`);
    await refuseEnded(client, ledger, gate.environment, owner);
    const mine = gate.owner?.deploy === owner.deploy;
    if (gate.owner && !(mine && gate.owner.token <= owner.token)) {
      throw new LockkeeperError(
        'GATE_OWNED_BY_ANOTHER',
        `the gate of ${taskQueue} belongs to deploy ${gate.owner.deploy} (fencing token ${gate.owner.token}), ` +
          `deploy ${owner.deploy} with token ${owner.token} may not close it`,
        { next: `See \`lockkeeper deploy show ${gate.owner.deploy}\`` },
      );
    }
    if (mine && gate.state === 'closed' && gate.owner?.token === owner.token) return gate.generation;
    await client.query(
      `update lockkeeper._gates set state = 'closed', generation = generation + 1, owner_deploy = $3, owner_token = $4,
         reason = $5, changed_at = now(), limit_before = coalesce(limit_before, $6)
       where namespace = $1 and task_queue = $2`,
      [
        ledger.namespace,
        taskQueue,
        owner.deploy,
        owner.token,
        `deploy ${owner.deploy}`,
        limit ? JSON.stringify(limit) : null,
      ],
    );
    return gate.generation + 1;
  });
}

/** An act that was frozen, or whose run was terminated, must not close what was opened after it. */
async function refuseEnded(db: Queryable, ledger: Ledger, environment: string, owner: GateCloser): Promise<void> {
  const { rows } = await db.query(
    `select from lockkeeper._deploys where namespace = $1 and environment = $2 and id = $3
       and (outcome is not null or fencing_token > $4 or (fencing_token = $4 and last_act >= $5))`,
    [ledger.namespace, environment, owner.deploy, owner.token, owner.act ?? null],
  );
  if (rows.length === 0) return;
  throw new LockkeeperError(
    'FENCED',
    `deploy ${owner.deploy} has ended or gone on, or a later run of it holds the lock: token ${owner.token} may close no gate now`,
  );
}

/** A person has changed a closed queue's limit: that is the one to put back when it opens. */
export async function keepLimit(ledger: Ledger, gate: GateRow, limit: LimitBefore | undefined): Promise<void> {
  await ledger.pool.query(
    `update lockkeeper._gates set limit_before = $4
     where namespace = $1 and task_queue = $2 and generation = $3 and state = 'closed'`,
    [ledger.namespace, gate.taskQueue, gate.generation, limit ? JSON.stringify(limit) : null],
  );
}

/**
 * Opens the fence, if this owner (or an earlier run of the same deploy) still holds it; the gate stays owned until
 * its brake is off, see {@link releaseGate}. Undefined: not ours, nothing was done.
 */
export async function openFence(ledger: Ledger, taskQueue: string, owner: GateOwner): Promise<GateRow | undefined> {
  const { rows } = await ledger.pool.query<RawGate>(
    `update lockkeeper._gates set state = 'opening', changed_at = case when state = 'opening' then changed_at else now() end
     where namespace = $1 and task_queue = $2 and owner_deploy = $3 and owner_token <= $4 returning *`,
    [ledger.namespace, taskQueue, owner.deploy, owner.token],
  );
  return rows[0] && gateRow(rows[0]);
}

/** The last act of opening: the brake is off, nobody owns the gate any more. */
export async function releaseGate(ledger: Ledger, gate: GateRow): Promise<void> {
  await ledger.pool.query(
    `update lockkeeper._gates set state = 'open', owner_deploy = null, owner_token = null, limit_before = null, reason = null
     where namespace = $1 and task_queue = $2 and state = 'opening' and generation = $3`,
    [ledger.namespace, gate.taskQueue, gate.generation],
  );
}

export async function isDrained(ledger: Ledger, taskQueue: string): Promise<boolean> {
  const { rows } = await ledger.pool.query<{ drained: boolean | null }>(
    'select lockkeeper.is_drained($1, $2) as drained',
    [ledger.namespace, taskQueue],
  );
  return rows[0]?.drained === true;
}

/** Queues whose gates are closed, with the deploys that hold them so. */
export async function closedGates(ledger: Ledger): Promise<ReadonlyMap<string, string>> {
  const { rows } = await ledger.pool.query<{ task_queue: string; owner_deploy: string }>(
    `select task_queue, owner_deploy from lockkeeper._gates where namespace = $1 and state = 'closed'`,
    [ledger.namespace],
  );
  return new Map(rows.map((row) => [row.task_queue, row.owner_deploy]));
}

/** Queues of living workers of an environment that are not among those known. */
export async function unknownQueues(ledger: Ledger, environment: string, known: readonly string[]): Promise<string[]> {
  const { rows } = await ledger.pool.query<{ task_queue: string }>(
    `select g.task_queue from lockkeeper._gates g
     where g.namespace = $1 and g.environment = $2 and g.task_queue <> all($3) and exists (
       select from lockkeeper._workers w where g.task_queue = any(w.task_queues) and w.kind = 'worker'
         and w.session_lock in (select l.session_lock from lockkeeper._session_locks l))
     order by g.task_queue`,
    [ledger.namespace, environment, known],
  );
  return rows.map((row) => row.task_queue);
}
