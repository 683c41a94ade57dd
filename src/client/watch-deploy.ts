import { errorMessage, isLockkeeperError } from '../errors.ts';
import { readDeploy } from '../ledger/deploys.ts';
import type { Ledger } from '../ledger/pool.ts';
import type { DeployStatus, Outcome } from '../protocol.ts';
import type { DeployClient, Waiting, Whereabouts } from './deploy-client.ts';
import { notCurrent } from './not-current.ts';
import { isNotFound } from './not-found.ts';
import { pause } from './pause.ts';

/** How often the deploy is looked at, milliseconds. */
const LOOK_EVERY = 500;
/** Between its place in the queue and its run a deploy may be missed by one look, and not by more. */
const UNKNOWN_AT_MOST = 3;

/** What happens to a deploy that is watched. */
export type DeployNews =
  | ({ readonly kind: 'waiting' } & Waiting)
  | { readonly kind: 'status'; readonly status: DeployStatus }
  | { readonly kind: 'noAnswer'; readonly reason: string }
  /** The run ended without an outcome; the coordinator stops its steps and opens its gates. */
  | { readonly kind: 'runLost'; readonly how: string }
  | { readonly kind: 'ended'; readonly outcome: Outcome; readonly reason?: string };

/** Each change once. @throws {LockkeeperError} DEPLOY_NOT_FOUND, DEPLOY_NOT_CURRENT; see `DeployClient.watch` */
export async function* watchDeploy(
  ...watched: Parameters<typeof looksAtDeploy>
): AsyncGenerator<DeployNews, void, void> {
  let last = '';
  for await (const news of looksAtDeploy(...watched)) {
    const now = JSON.stringify(news);
    if (now !== last) yield news;
    last = now;
  }
}

/** What every look shows, changed or not. @throws {LockkeeperError} DEPLOY_NOT_FOUND, DEPLOY_NOT_CURRENT */
export async function* looksAtDeploy(
  deploys: DeployClient,
  ledger: Ledger | undefined,
  deploy: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<DeployNews, void, void> {
  const watched = new Watched(deploys, ledger, deploy);
  while (!signal?.aborted) {
    const news = await watched.look();
    if (news) yield news;
    if (news?.kind === 'ended') return;
    await pause(LOOK_EVERY, signal);
  }
}

class Watched {
  readonly #deploys: DeployClient;
  readonly #ledger: Ledger | undefined;
  readonly #deploy: string;
  #runId: string | undefined;
  #unknown = 0;

  constructor(deploys: DeployClient, ledger: Ledger | undefined, deploy: string) {
    this.#deploys = deploys;
    this.#ledger = ledger;
    this.#deploy = deploy;
  }

  /** Undefined: nothing is to be told of this look. */
  async look(): Promise<DeployNews | undefined> {
    try {
      return (await this.#written()) ?? (await this.#seen());
    } catch (error) {
      if (isLockkeeperError(error, 'DEPLOY_NOT_FOUND') || isLockkeeperError(error, 'DEPLOY_NOT_CURRENT')) throw error;
      return { kind: 'noAnswer', reason: errorMessage(error) };
    }
  }

  /** The outcome in the ledger outlives the run. */
  async #written(): Promise<DeployNews | undefined> {
    if (!this.#ledger) return undefined;
    const { outcome, outcomeReason } = await readDeploy(this.#ledger, this.#deploys.environment, this.#deploy);
    return outcome && ended(outcome, outcomeReason);
  }

  async #seen(): Promise<DeployNews | undefined> {
    const where = await this.#find();
    this.#unknown = where.at === 'unknown' ? this.#unknown + 1 : 0;
    switch (where.at) {
      case 'waiting':
        return waitingNews(where);
      case 'running':
        this.#runId = where.runId;
        return { kind: 'status', status: where.status };
      case 'ended':
        return ended(where.result.outcome, where.result.reason);
      case 'lost':
        // The coordinator settles it, and then the outcome is in the ledger.
        return this.#ledger ? { kind: 'runLost', how: where.how } : ended('failed', `its run ended as ${where.how}`);
      case 'unknown':
        if (this.#ledger || this.#unknown < UNKNOWN_AT_MOST) return undefined;
        throw notCurrent(this.#deploy, this.#deploys.environment);
    }
  }

  async #find(): Promise<Whereabouts> {
    try {
      return await this.#deploys.find(this.#deploy, this.#runId);
    } catch (error) {
      // No coordinator: the environment has had no deploy, or somebody has terminated it.
      if (isNotFound(error)) return { at: 'unknown' };
      throw error;
    }
  }
}

/** What is told of a deploy that waits. */
export const waitingNews = ({
  ahead,
  holder,
  waitsFor,
  freeze,
}: Waiting): Extract<DeployNews, { kind: 'waiting' }> => ({
  kind: 'waiting',
  ahead,
  ...(holder && { holder }),
  ...(waitsFor && { waitsFor }),
  ...(freeze && { freeze }),
});

const ended = (outcome: Outcome, reason: string | undefined): DeployNews => ({
  kind: 'ended',
  outcome,
  ...(reason !== undefined && { reason }),
});
