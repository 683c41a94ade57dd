import { errorMessage } from '../../errors.ts';
import type { JobConnections } from '../connections.ts';
import { readBoard } from './read.ts';
import type { Board } from './screen.ts';

export type Part = 'ledger' | 'temporal';

/** Something that does not answer. */
export interface Away {
  readonly what: Part;
  readonly since: Date;
  readonly reason: string;
}

/** The board at one moment; while something is away, as much of it as is known. */
export interface Look {
  readonly at: Date;
  /** Undefined: it could not be read yet. */
  readonly board: Board | undefined;
  readonly away: readonly Away[];
}

/** One question to Temporal, milliseconds. */
const ANSWER_WITHIN = 3_000;

/** Looks at the board again and again. That a server is away is something to be seen, not an error. */
export class Looks {
  readonly #connections: JobConnections;
  readonly #environment: string;
  #board: Board | undefined;
  #away: readonly Away[] = [];

  constructor(connections: JobConnections, environment: string) {
    this.#connections = connections;
    this.#environment = environment;
  }

  async next(jobsShown: number): Promise<Look> {
    const [board, temporal] = await Promise.allSettled([
      readBoard(this.#connections, this.#environment, jobsShown),
      this.#askTemporal(),
    ]);
    if (board.status === 'fulfilled') this.#board = board.value;
    this.#away = [...this.#missing('ledger', board), ...this.#missing('temporal', temporal)];
    return { at: new Date(), board: this.#board, away: this.#away };
  }

  #askTemporal(): Promise<unknown> {
    const { connection, namespace } = this.#connections.temporal;
    return connection.withDeadline(Date.now() + ANSWER_WITHIN, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  }

  #missing(what: Part, asked: PromiseSettledResult<unknown>): Away[] {
    if (asked.status === 'fulfilled') return [];
    const since = this.#away.find((one) => one.what === what)?.since ?? new Date();
    return [{ what, since, reason: errorMessage(asked.reason) }];
  }
}
