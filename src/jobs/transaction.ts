import type { PoolClient, QueryResult, QueryResultRow } from 'pg';
import { TRANSACTION_TRIES } from '../defaults.ts';
import { LockkeeperError } from '../errors.ts';
import { failpoint } from '../failpoints.ts';
import { checkpointValues } from '../ledger/checkpoints.ts';
import { sessionName } from '../ledger/claims.ts';
import { isConnectionError, isReadOnly, isRetryableTransaction } from '../ledger/sql-errors.ts';
import type { Ledger } from '../ledger/pool.ts';
import { SAVED } from './job.ts';
import type { Saved, Sql } from './job.ts';
import type { Saver } from './saver.ts';

type Body<S, T> = (sql: Sql, save: (next: S) => void) => Promise<T>;
type Attempt<S, T> = { result: T; next: { value: S } };
interface AttemptProgress<S, T> {
  /** Everything was sent but COMMIT, or its reply was lost. */
  ready?: Attempt<S, T>;
  /** What our own connection told the body, whatever the body made of it. */
  connectionLost?: boolean;
  conflict?: boolean;
  /** The body threw, and not because our connection was lost. */
  bodyFailed?: boolean;
}

/** Makes the transactions of one slice, one open at a time, and notices those that were made and never iterated. */
export class Transactions<S> {
  readonly #ledger: Ledger;
  readonly #saver: Saver;
  readonly #onSaved: (state: S) => void;
  readonly #idleTimeoutMs: number;
  #waiting = 0;
  #open = false;

  constructor(ledger: Ledger, saver: Saver, idleTimeoutMs: number, onSaved: (state: S) => void) {
    this.#ledger = ledger;
    this.#saver = saver;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#onSaved = onSaved;
  }

  /** @throws {LockkeeperError} TRANSACTION_NOT_ITERATED when one was made and `yield*` forgotten */
  assertAllIterated(): void {
    if (this.#waiting === 0) return;
    this.#waiting = 0;
    throw new LockkeeperError(
      'TRANSACTION_NOT_ITERATED',
      'a job.transaction was made and not iterated: it did nothing',
      {
        next: 'Write `yield* job.transaction(…)`',
      },
    );
  }

  transaction<T>(body: Body<S, T>): AsyncGenerator<Saved, T, void> {
    return this.#exclusive(() => this.#commit(body));
  }

  statement(text: string, values: readonly unknown[], next: S): AsyncGenerator<Saved, void, void> {
    return this.#exclusive(() => this.#commitStatement(text, values, next));
  }

  #exclusive<T>(act: () => Promise<T>): AsyncGenerator<Saved, T, void> {
    this.#waiting += 1;
    const run = async function* (this: Transactions<S>): AsyncGenerator<Saved, T, void> {
      this.#waiting = Math.max(0, this.#waiting - 1);
      if (this.#open) {
        throw new LockkeeperError('TRANSACTION_NESTED', 'a job.transaction was begun while another one was open', {
          next: 'Put both into one body, or one after the other',
        });
      }
      this.#open = true;
      let result: T;
      try {
        result = await act();
      } finally {
        this.#open = false;
      }
      yield SAVED;
      return result;
    };
    return run.call(this);
  }

  async #commit<T>(body: Body<S, T>): Promise<T> {
    let inDoubt: Attempt<S, T> | undefined;
    for (let tries = 1, losses = 0; ;) {
      const attempt: AttemptProgress<S, T> = {};
      try {
        const done = await this.#ledger.transactions(() => this.#attempt(body, attempt));
        if (done) return this.#keep(done);
        // The checkpoint was refused: fenced, unless the attempt before was committed and only its reply was lost.
        if (inDoubt && (await this.#saver.resolveDoubt()) === 'saved') return this.#kept(inDoubt);
        throw this.#saver.refuse();
      } catch (error) {
        if (this.#saver.fenced || this.#saver.away) throw error;
        // Only our own connection: the body may have met an error of the same kind elsewhere, which is its own failure.
        const lost = attempt.connectionLost || (isConnectionError(error) && !attempt.bodyFailed);
        if (lost) inDoubt = attempt.ready ?? inDoubt;
        // A COMMIT that nobody answered may also arrive later, and then the body meets its own effect.
        if ((lost || inDoubt) && (await this.#saver.resolveDoubt()) === 'saved' && inDoubt) return this.#kept(inDoubt);
        if (lost) {
          // The ledger answers and every transaction loses its connection: perhaps one takes longer than it may idle.
          losses += 1;
          if (losses === TRANSACTION_TRIES) throw this.#saver.giveUp(error);
        } else if ((attempt.conflict || isRetryableTransaction(error)) && tries < TRANSACTION_TRIES) {
          tries += 1;
        } else {
          throw error;
        }
      }
    }
  }

  #keep<T>(attempt: Attempt<S, T>): T {
    this.#saver.committed();
    return this.#kept(attempt);
  }

  #kept<T>(attempt: Attempt<S, T>): T {
    this.#onSaved(attempt.next.value);
    return attempt.result;
  }

  /** One run of the body. Undefined: the checkpoint was refused and everything rolled back. */
  async #attempt<T>(body: Body<S, T>, progress: AttemptProgress<S, T>): Promise<Attempt<S, T> | undefined> {
    const client = await this.#ledger.pool.connect();
    let broken: boolean | Error = true;
    try {
      // The session carries the claim's name, so that whoever fences the claim can end it; and it ends by itself when
      // this process freezes in the middle. One round trip.
      await client.query(
        `begin; set local application_name = '${sessionName(this.#saver.fence.claim)}'; ` +
          `set local idle_in_transaction_session_timeout = ${this.#idleTimeoutMs}`,
      );
      const attempt = await this.#runBody(client, body, progress);
      const saved = await this.#saver.write(client, this.#saver.next('state', attempt.next.value, true));
      if (!saved) {
        await client.query('rollback');
        broken = false;
        return undefined;
      }
      progress.ready = attempt;
      await client.query('commit');
      broken = false;
      await failpoint('slice.committed');
      return attempt;
    } catch (error) {
      // A connection that cannot even roll back is thrown away with its transaction.
      broken = await client.query('rollback').then(
        () => isReadOnly(error),
        (failed: Error) => failed,
      );
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async #runBody<T>(client: PoolClient, body: Body<S, T>, progress: AttemptProgress<S, T>): Promise<Attempt<S, T>> {
    let next: { value: S } | undefined;
    let over = false;
    const sql: Sql = {
      query: <Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>> => {
        if (over) {
          return Promise.reject(
            new LockkeeperError(
              'TRANSACTION_NESTED',
              'a query was sent after the body of its job.transaction had ended',
              {
                next: 'Await every query inside the body',
              },
            ),
          );
        }
        return client.query<Row>(text, values as unknown[] | undefined).catch((error: unknown) => {
          progress.connectionLost ||= isConnectionError(error);
          progress.conflict ||= isRetryableTransaction(error);
          throw error;
        });
      },
    };
    let result: T;
    try {
      result = await body(sql, (value) => (next = { value }));
    } catch (error) {
      progress.bodyFailed = !progress.connectionLost;
      throw error;
    } finally {
      over = true;
    }
    if (!next) {
      throw new LockkeeperError(
        'TRANSACTION_WITHOUT_SAVE',
        'a job.transaction ended without calling save(): its effect would be done again',
        {
          next: 'Call save(nextState) in the body; for reading alone use a connection of your own',
        },
      );
    }
    return { result, next };
  }

  async #commitStatement(text: string, values: readonly unknown[], next: S): Promise<void> {
    const { fence } = this.#saver;
    const saved = [fence.key, fence.claim, fence.epoch, ...checkpointValues(this.#saver.next('state', next, true))];
    const parameters = saved.map((_, i) => `$${values.length + 1 + i}`).join(', ');
    const both = `with effect as (${text}\n) select lockkeeper.save_checkpoint_or_fail(${parameters})`;
    const all = [...values, ...saved];
    for (let tries = 1, losses = 0; ;) {
      try {
        await this.#ledger.pool.query(both, all);
        this.#saver.committed();
        break;
      } catch (error) {
        if (isConnectionError(error) || isRefusedSave(error)) {
          if ((await this.#saver.resolveDoubt()) === 'saved') break;
          if (isRefusedSave(error)) throw this.#saver.refuse();
          losses += 1;
          if (losses === TRANSACTION_TRIES) throw this.#saver.giveUp(error);
        } else if (isRetryableTransaction(error) && tries < TRANSACTION_TRIES) {
          tries += 1;
        } else {
          throw error;
        }
      }
    }
    this.#onSaved(next);
  }
}

/** SQLSTATE with which `save_checkpoint_or_fail` refuses. */
const isRefusedSave = (error: unknown) => (error as { code?: unknown } | null)?.code === 'LK002';
