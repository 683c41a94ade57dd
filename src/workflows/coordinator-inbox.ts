import {
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  getExternalWorkflowHandle,
  setHandler,
} from '@temporalio/workflow';
import {
  COORDINATOR_STATUS_QUERY,
  DEPLOY_ACTS,
  DEPLOY_FINISH_SIGNAL,
  DEPLOY_START_SIGNAL,
  FINISH_SIGNAL,
  FREEZE_ACTS,
  PARTICIPANT_DRAINED_SIGNAL,
  QUEUE_DRAINED_SIGNAL,
  REFRESH_SIGNAL,
  REQUEST_DEPLOY_UPDATE,
  WITHDRAW_DEPLOY_UPDATE,
  deployRunId,
} from '../protocol.ts';
import type {
  CoordinatorStatus,
  DeployAct,
  DeployFinish,
  DeployRequest,
  DeployTicket,
  FreezeAct,
  FreezeAnswer,
  ParticipantDrained,
  QueueDrained,
  Withdrawal,
} from '../protocol.ts';
import type { CoordinatorQueue } from './coordinator-queue.ts';
import { accepting, acts } from './deploy-activities.ts';
import { readDeployAct, readFreezeAct } from './order-act.ts';
import { refuseRequest } from './request.ts';

/** What was asked of it is answered, also when the coordinator is being cancelled. */
const uncancelled = <T>(act: () => Promise<T>) => CancellationScope.nonCancellable(act);

/**
 * Everything that the coordinator is told: by updates, which are answered, and by plain signals, which any program can send. What
 * is accepted is in the ledger before anything else happens.
 */
export class CoordinatorInbox {
  readonly #environment: string;
  readonly #queue: CoordinatorQueue;
  /** Signals in the order in which they came. */
  readonly #acts: (() => Promise<void>)[] = [];
  readonly #messages: { signal: string; payload: unknown }[] = [];
  #woken = false;
  #refresh = false;
  /** Acts of the two inboxes that are under way. */
  #busy = 0;

  constructor(environment: string, queue: CoordinatorQueue) {
    this.#environment = environment;
    this.#queue = queue;
    this.#hearRequests();
    for (const act of DEPLOY_ACTS) this.#hear(act, readDeployAct, (word: DeployAct, by) => this.#actOnDeploy(word, by));
    for (const act of FREEZE_ACTS) this.#hear(act, readFreezeAct, (word: FreezeAct, by) => this.#actOnFreeze(word, by));
    const pass = <T>(signal: string, as: string) =>
      setHandler(defineSignal<[T]>(signal), (payload) => void this.#messages.push({ signal: as, payload }));
    pass<DeployFinish>(DEPLOY_FINISH_SIGNAL, FINISH_SIGNAL);
    pass<QueueDrained>(QUEUE_DRAINED_SIGNAL, QUEUE_DRAINED_SIGNAL);
    pass<ParticipantDrained>(PARTICIPANT_DRAINED_SIGNAL, PARTICIPANT_DRAINED_SIGNAL);
    setHandler(defineSignal(REFRESH_SIGNAL), () => {
      this.#refresh = true;
      this.#woken = true;
    });
    setHandler(defineQuery<CoordinatorStatus>(COORDINATOR_STATUS_QUERY), () => queue.status());
    void uncancelled(() => this.#each(this.#acts, (act) => act()));
    void uncancelled(() => this.#each(this.#messages, (message) => this.#passOn(message)));
  }

  /** Somebody asked for a new history. */
  get refresh(): boolean {
    return this.#refresh;
  }

  /** From now on it is news whether something was heard. */
  listen(): void {
    this.#woken = false;
  }

  async news(withinMs: number): Promise<void> {
    await condition(() => this.#woken, withinMs);
  }

  /** Everything it was told has been dealt with. */
  settled(): Promise<void> {
    return condition(
      () => allHandlersFinished() && this.#busy === 0 && this.#acts.length === 0 && this.#messages.length === 0,
    );
  }

  #hearRequests(): void {
    setHandler(
      defineUpdate<DeployTicket, [DeployRequest]>(REQUEST_DEPLOY_UPDATE),
      (request) => uncancelled(() => this.#accept(request, accepting)),
      {
        validator: (request) => {
          const refused = refuseRequest(request);
          if (refused) throw ApplicationFailure.nonRetryable(refused, 'DEPLOY_INVALID');
        },
      },
    );
    setHandler(
      defineUpdate<void, [Withdrawal]>(WITHDRAW_DEPLOY_UPDATE),
      (withdrawal: Withdrawal) => uncancelled(() => this.#withdraw(withdrawal)),
      {
        validator: (withdrawal: Withdrawal) => {
          if (withdrawal?.deploy && withdrawal.reason && withdrawal.by) return;
          throw ApplicationFailure.nonRetryable('a withdrawal needs `deploy`, `reason` and `by`', 'USAGE');
        },
      },
    );
    setHandler(defineSignal<[DeployRequest]>(DEPLOY_START_SIGNAL), (request) => {
      this.#later(request?.id, async () => {
        const refused = refuseRequest(request);
        if (refused) return refused;
        await this.#accept(request, acts('accept the request'));
        return undefined;
      });
    });
  }

  /** One word under one name: as an update it is answered, as a signal it is shown in `status` when it is refused. */
  #hear<Name extends string, Word extends DeployAct | FreezeAct, Answer>(
    name: Name,
    read: (name: Name, payload: unknown) => Word | string,
    act: (word: Word, by: typeof accepting) => Promise<Answer>,
  ): void {
    setHandler(
      defineUpdate<Answer, [unknown]>(name),
      (payload) => uncancelled(() => act(read(name, payload) as Word, accepting)),
      {
        validator: (payload) => {
          const word = read(name, payload);
          if (typeof word === 'string') throw ApplicationFailure.nonRetryable(`${name}: ${word}`, 'USAGE');
        },
      },
    );
    setHandler(defineSignal<[unknown]>(name), (payload) => {
      const word = read(name, payload);
      this.#later(typeof word === 'string' || !('deploy' in word) ? name : word.deploy, async () => {
        if (typeof word === 'string') return `${name}: ${word}`;
        await act(word, acts(name));
        return undefined;
      });
    });
  }

  /** Signals are only queued; what is refused, or comes back refused, is told by the status. */
  #later(deploy: unknown, act: () => Promise<string | undefined>): void {
    this.#acts.push(async () => {
      try {
        const refused = await act();
        if (refused !== undefined) this.#queue.refuse(deploy, refused);
      } catch (error) {
        const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
        this.#queue.refuse(deploy, reason);
      }
    });
  }

  async #accept(request: DeployRequest, by: typeof accepting): Promise<DeployTicket> {
    return this.#heard(await by.acceptRequest({ environment: this.#environment, request }));
  }

  async #actOnDeploy(act: DeployAct, by: typeof accepting): Promise<DeployTicket> {
    return this.#heard(await by.actOnDeploy({ environment: this.#environment, act }));
  }

  async #actOnFreeze(act: FreezeAct, by: typeof accepting): Promise<FreezeAnswer> {
    const answer = await by.actOnFreeze({ environment: this.#environment, act });
    this.#queue.frozen(answer.freeze);
    this.#woken = true;
    return answer;
  }

  async #withdraw(withdrawal: Withdrawal): Promise<void> {
    await accepting.withdrawDeploy({ environment: this.#environment, withdrawal });
    this.#queue.changed(withdrawal.deploy, undefined);
  }

  #heard(ticket: DeployTicket): DeployTicket {
    this.#queue.changed(ticket.deploy, ticket.outcome === undefined ? ticket : undefined);
    this.#woken = true;
    return ticket;
  }

  /** To the run, which refuses what does not name its deploy; without a run there is nobody whom it could concern. */
  async #passOn(message: { signal: string; payload: unknown }): Promise<void> {
    const run = getExternalWorkflowHandle(deployRunId(this.#environment));
    await run.signal(message.signal, message.payload).catch(() => undefined);
  }

  async #each<T>(inbox: T[], act: (item: T) => Promise<void>): Promise<never> {
    for (;;) {
      await condition(() => inbox.length > 0);
      const item = inbox.shift() as T;
      this.#busy += 1;
      await act(item);
      this.#busy -= 1;
    }
  }
}
