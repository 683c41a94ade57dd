import type { Client } from '@temporalio/client';
import { LockkeeperError, errorMessage } from '../errors.ts';

/** One question, milliseconds: a query needs a deploy worker, an update one and its ledger. */
const ASK_WITHIN = 10_000;

/** Questions to the workflows of an environment; nobody waits for ever for an answer. */
export class Asking {
  readonly #client: Client;
  readonly #environment: string;

  constructor(client: Client, environment: string) {
    this.#client = client;
    this.#environment = environment;
  }

  /** @throws {LockkeeperError} NO_DEPLOY_WORKER when there is no answer in time; other errors as they are */
  async ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await this.#client.withDeadline(Date.now() + ASK_WITHIN, question);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): unknown {
    // A refusal may speak of deadlines, too.
    if (error instanceof LockkeeperError || !isDeadlineExceeded(error)) return error;
    return new LockkeeperError(
      'NO_DEPLOY_WORKER',
      `nobody answers for environment ${this.#environment} within ${ASK_WITHIN / 1000} s`,
      {
        next: 'Is a deploy worker running (`lockkeeper deploy-worker`), and can it reach its ledger? What was asked may still be heard: ask again under the same id',
        cause: error,
      },
    );
  }
}

/** gRPC statuses of a call whose time was over: deadline exceeded, or cancelled by our side in the same moment. */
const OVER: readonly unknown[] = [4, 1];

/** Here or in the cause. */
export function isDeadlineExceeded(error: unknown): boolean {
  const codeOf = (e: unknown) => (typeof e === 'object' && e !== null && 'code' in e ? e.code : undefined);
  const cause = error instanceof Error ? error.cause : undefined;
  return OVER.includes(codeOf(error)) || OVER.includes(codeOf(cause)) || /deadline/i.test(errorMessage(error));
}
