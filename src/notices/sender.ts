import { setTimeout as delay } from 'node:timers/promises';
import { JobSeal } from '../crypto/job-seal.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { NOTICES_AT_ONCE, NOTICE_POLL_EVERY, NOTICE_RETRY } from '../defaults.ts';
import { errorMessage } from '../errors.ts';
import { failpoint } from '../failpoints.ts';
import { readReason, recordDelivered, recordFailure, takeNotices, tidyNotices } from '../ledger/notices.ts';
import type { TakenNotice } from '../ledger/notices.ts';
import type { Ledger } from '../ledger/pool.ts';
import { keepReceivers, writeReceivers } from '../ledger/receivers.ts';
import type { Logger } from '../log.ts';
import { noticeOf } from './notice.ts';
import type { Receiver, Told } from './receiver.ts';

/** How often what is over is removed, and the ledger told that the receivers are still told, milliseconds. */
const TIDY_EVERY = 60_000;

export interface NoticeSenderOptions {
  readonly ledger: Ledger;
  readonly environment: string;
  readonly receivers: readonly Receiver[];
  /** That of the workers: without it, why a job of an encrypted ledger failed cannot be told. */
  readonly keyring: Keyring | undefined;
  readonly log: Logger;
}

/**
 * Tells what the outbox holds, each receiver by itself: one that hangs holds up nobody else. Any number of senders may run
 * beside each other; each notice is told at least once.
 */
export class NoticeSender {
  readonly #o: NoticeSenderOptions;
  readonly #stop = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();

  constructor(options: NoticeSenderOptions) {
    this.#o = options;
  }

  /** From here on the ledger writes notices for these receivers, and no others. */
  async start(): Promise<void> {
    const { ledger, environment, receivers } = this.#o;
    await writeReceivers(ledger, environment, receivers);
    this.#loops = Promise.all([
      ...receivers.map((receiver) => this.#repeat(NOTICE_POLL_EVERY, () => this.#tellAll(receiver))),
      this.#repeat(TIDY_EVERY, () => this.#tidy()),
    ]);
  }

  /** Takes nothing more; resolves when what is being told has been told. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loops;
  }

  /** Whatever goes wrong, a ledger that is away for instance, it is tried again. */
  async #repeat(every: number, act: () => Promise<void>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await act();
      } catch (error) {
        this.#o.log.warn({ err: error }, 'notices could not be looked after; they will be');
      }
      // Several deploy workers do not come all at once.
      await this.#pause(every * (0.5 + Math.random()));
    }
  }

  /** Returns when nothing more is due for the receiver. */
  async #tellAll(receiver: Receiver): Promise<void> {
    const { ledger, environment } = this.#o;
    const telling = new Set<Promise<void>>();
    try {
      while (!this.#stop.signal.aborted) {
        const free = NOTICES_AT_ONCE - telling.size;
        const taken = await takeNotices(ledger, environment, receiver.name, free);
        for (const notice of taken) {
          const told = this.#tell(receiver, notice).finally(() => telling.delete(told));
          telling.add(told);
        }
        if (telling.size === 0) return;
        // What happens meanwhile does not wait for one that hangs.
        await Promise.race([...telling, this.#pause(NOTICE_POLL_EVERY)]);
      }
    } finally {
      await Promise.all(telling);
    }
  }

  async #tell(receiver: Receiver, taken: TakenNotice): Promise<void> {
    const { ledger, environment, log } = this.#o;
    const where = { notice: taken.id, event: taken.event, receiver: receiver.name, attempt: taken.attempts };
    try {
      const reason = receiver.details ? await this.#reason(taken) : undefined;
      const notice = noticeOf(taken, environment, reason);
      const told = notice ? await receiver.tell(notice, taken.owner) : UNKNOWN;
      await failpoint('notice.told');
      if (told.ok) {
        await recordDelivered(ledger, taken.number);
        log.debug({ ...where, said: told.said }, 'notice told');
        return;
      }
      const againAfter = Math.max(told.againAfter ?? 0, backoff(taken.attempts));
      const { error, forGood = false } = told;
      const givenUp = await recordFailure(ledger, taken, { error, againAfter, forGood });
      if (givenUp) log.error({ ...where, error }, 'a notice was given up');
      else log.warn({ ...where, error, againAfter: Math.round(againAfter) }, 'a notice could not be told yet');
    } catch (error) {
      // The ledger is away: it is free again after a while, and told again.
      log.warn({ ...where, error: errorMessage(error) }, 'what became of a notice could not be noted');
    }
  }

  async #reason({ facts }: TakenNotice): Promise<string | undefined> {
    const reason = await readReason(this.#o.ledger, facts);
    if (!reason || 'record' in facts) return reason;
    return new JobSeal(this.#o.keyring, facts.key).openText(reason, 'reason');
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  async #tidy(): Promise<void> {
    const { ledger, environment, receivers, log } = this.#o;
    await keepReceivers(
      ledger,
      environment,
      receivers.map(({ name }) => name),
    );
    const givenUp = await tidyNotices(ledger, environment);
    if (givenUp > 0) log.error({ notices: givenUp }, 'notices were given up: nobody has their receivers any more');
  }
}

const UNKNOWN: Told = { ok: false, error: 'this deploy worker does not know such notices: upgrade it' };

/** Milliseconds until the next attempt, jittered by half, so that what failed together does not come back together. */
function backoff(attempts: number): number {
  const { initialIntervalMs, maximumIntervalMs } = NOTICE_RETRY;
  return Math.min(initialIntervalMs * 2 ** (attempts - 1), maximumIntervalMs) * (0.5 + Math.random());
}
