import type { QueryResult, QueryResultRow } from 'pg';
import type { Logger } from '../log.ts';

/** What `job.transaction` yields: the checkpoint is saved already. Never made by hand. */
export const SAVED = Symbol('lockkeeper.saved');
export type Saved = typeof SAVED;

/**
 * What a job's `run` is: a generator whose every `yield` is a checkpoint and a place to step aside. Yield a new value each
 * time: what was yielded is frozen.
 */
export type Steps<S, R = void> = AsyncGenerator<S | Saved, R, void>;

/** The connection of one transaction; usable only inside its body. */
export interface Sql {
  query<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;
}

/** A running job as its own code sees it. */
export interface Job<S> {
  /** The id of the job's workflow. */
  readonly id: string;
  /** The state as of the last `yield` or `save`; at the start of a slice, the last checkpoint. */
  readonly state: Readonly<S>;
  /** Fires the moment a drain or shutdown begins: finish the item at hand and `yield`. */
  readonly stopping: AbortSignal;
  /** Fires when the job is cancelled, or when the time to step aside has passed: give up what is under way. */
  readonly cancellationSignal: AbortSignal;
  readonly log: Logger;
  /** How far the job is; shown in the ledger, the Web UI and by `lockkeeper job`. Costs nothing until the next heartbeat. */
  progress(done: number, total?: number, note?: string): void;
  /**
   * Commits the job's own SQL and the checkpoint together, or not at all. Iterate it with `yield*`.
   * The body may run again after a serialization failure, a deadlock or a lost connection, so it does nothing but SQL.
   *
   * @throws {LockkeeperError} FENCED, TRANSACTION_WITHOUT_SAVE, TRANSACTION_NESTED
   * @example
   * yield* job.transaction(async (sql, save) => {
   *   await sql.query('insert into item (id) values ($1)', [id]);
   *   save({ next: id + 1 });
   * });
   */
  transaction<T>(body: (sql: Sql, save: (next: S) => void) => Promise<T>): AsyncGenerator<Saved, T, void>;
  /**
   * The same for a single INSERT, UPDATE or DELETE, in one round trip.
   * @example yield* job.statement('insert into item (id) values ($1)', [id], { next: id + 1 });
   */
  statement(text: string, values: readonly unknown[], next: S): AsyncGenerator<Saved, void, void>;
}
