import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  getExternalWorkflowHandle,
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  COORDINATOR_STATUS_QUERY,
  DEPLOY_FINISH_SIGNAL,
  DEPLOY_START_SIGNAL,
  FINISH_SIGNAL,
  PARTICIPANT_DRAINED_SIGNAL,
  QUEUE_DRAINED_SIGNAL,
  REFRESH_SIGNAL,
  REQUEST_DEPLOY_UPDATE,
  WITHDRAW_DEPLOY_UPDATE,
  deployRunId,
} from '../protocol.ts';
import type {
  CoordinatorInput,
  CoordinatorStatus,
  DeployFinish,
  DeployRequest,
  DeployTicket,
  NextDeploy,
  ParticipantDrained,
  QueueDrained,
  Withdrawal,
} from '../protocol.ts';
import { checkInput } from './check-input.ts';
import { accepting, acts, waiting } from './deploy-activities.ts';
import type { deployRun } from './deploy-run.ts';
import { refuseRequest } from './request.ts';

/** Without a nudge the queue of deploys is read again this often. */
const LOOK_AGAIN = '10 minutes';
/** Refusals that `status` still shows, and how much of each: what is refused may be as large as a payload can be. */
const REFUSALS_KEPT = 20;
const REFUSAL_LENGTH = 500;

/** The fixed address of an environment: takes requests and signals, and drives one deploy at a time, in approval order. */
export async function deployCoordinator(input: CoordinatorInput): Promise<void> {
  checkInput(input, { environment: 'string' });
  const coordinator = new Coordinator(input);
  try {
    await run(coordinator);
  } catch (error) {
    // Cancelled by a person: what it was told is not lost, and the deploy worker starts a new one soon.
    await CancellationScope.nonCancellable(() => coordinator.settled());
    throw error;
  }
}

async function run(coordinator: Coordinator): Promise<never> {
  for (;;) {
    const [next] = await coordinator.readQueue();
    if (next) await coordinator.drive(next);
    else await coordinator.idle();
    if (coordinator.shouldContinueAsNew()) await coordinator.goOnAsNew();
  }
}

/** What was asked of it is answered, also when it is being cancelled. */
const uncancelled = <T>(act: () => Promise<T>) => CancellationScope.nonCancellable(act);

class Coordinator {
  readonly #environment: string;
  readonly #requests: DeployRequest[] = [];
  readonly #messages: { signal: string; payload: unknown }[] = [];
  #refused: CoordinatorStatus['refused'] = [];
  #queued: { deploy: string; approvalOrder: number }[] = [];
  #running: string | undefined;
  #woken = false;
  #refresh = false;
  /** Acts of the two inboxes that are under way. */
  #busy = 0;

  constructor(input: CoordinatorInput) {
    this.#environment = input.environment;
    this.#refused = input.refused ?? [];
    setHandler(
      defineUpdate<DeployTicket, [DeployRequest]>(REQUEST_DEPLOY_UPDATE),
      (request) => uncancelled(() => this.#accept(request)),
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
    setHandler(defineSignal<[DeployRequest]>(DEPLOY_START_SIGNAL), (request) => void this.#requests.push(request));
    const pass = <T>(signal: string, as: string) =>
      setHandler(defineSignal<[T]>(signal), (payload) => void this.#messages.push({ signal: as, payload }));
    pass<DeployFinish>(DEPLOY_FINISH_SIGNAL, FINISH_SIGNAL);
    pass<QueueDrained>(QUEUE_DRAINED_SIGNAL, QUEUE_DRAINED_SIGNAL);
    pass<ParticipantDrained>(PARTICIPANT_DRAINED_SIGNAL, PARTICIPANT_DRAINED_SIGNAL);
    setHandler(defineSignal(REFRESH_SIGNAL), () => {
      this.#refresh = true;
      this.#woken = true;
    });
    setHandler(defineQuery<CoordinatorStatus>(COORDINATOR_STATUS_QUERY), () => this.#status());
    void uncancelled(() => this.#each(this.#requests, (request) => this.#acceptSignal(request)));
    void uncancelled(() => this.#each(this.#messages, (message) => this.#passOn(message)));
  }

  async readQueue(): Promise<NextDeploy[]> {
    this.#woken = false;
    const before = this.#queued;
    const next = await acts('which deploy is next?').nextDeploys({ environment: this.#environment });
    // What was accepted during the question is in no answer yet.
    const meanwhile = this.#queued.filter((q) => !before.includes(q) && !next.some((n) => n.deploy === q.deploy));
    this.#queued = [...next.map(({ deploy, approvalOrder }) => ({ deploy, approvalOrder })), ...meanwhile];
    this.#tell();
    return next;
  }

  async idle(): Promise<void> {
    await condition(() => this.#woken, LOOK_AGAIN);
  }

  /** Starts a deploy's run, or finds one running, and waits for its end either way. */
  async drive(next: NextDeploy): Promise<void> {
    const workflowId = deployRunId(this.#environment);
    const runId = await this.#start(next, workflowId);
    this.#running = next.deploy;
    this.#tell();
    const end = await this.#awaitEnd(workflowId, runId);
    this.#running = undefined;
    if (end.status !== 'COMPLETED') {
      // A run that was found here and does not say whose it is was started by hand: no deploy is to pay for it.
      const deploy = end.deploy ?? (runId === undefined ? undefined : next.deploy);
      if (deploy === undefined) return;
      await acts(`clean up after ${deploy}`, { startToCloseTimeout: '2 minutes' }).settleDeploy({
        environment: this.#environment,
        deploy,
        reason: `its run ended as ${end.status}${end.reason ? `: ${end.reason}` : ''}`,
      });
    }
  }

  async #start(next: NextDeploy, workflowId: string): Promise<string | undefined> {
    try {
      const child = await startChild<typeof deployRun>('deployRun', {
        workflowId,
        args: [{ environment: this.#environment, deploy: next.deploy }],
        // It ends by itself, whatever becomes of this workflow.
        parentClosePolicy: ParentClosePolicy.ABANDON,
        cancellationType: ChildWorkflowCancellationType.ABANDON,
        workflowRunTimeout: next.runTimeoutMs,
        staticSummary: next.summary,
        memo: { deploy: next.deploy },
        searchAttributes: {
          LockkeeperKind: ['deploy-run'],
          LockkeeperState: ['running'],
          LockkeeperDeploy: [next.deploy],
        },
      });
      return child.firstExecutionRunId;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      return undefined;
    }
  }

  async #awaitEnd(workflowId: string, runId: string | undefined) {
    for (;;) {
      const end = await waiting('wait for the deploy run').awaitRun({
        workflowId,
        ...(runId !== undefined && { runId }),
      });
      if (end.closed) return end;
    }
  }

  shouldContinueAsNew(): boolean {
    return this.#refresh || workflowInfo().continueAsNewSuggested;
  }

  /** Everything it was told has been dealt with. */
  settled(): Promise<void> {
    return condition(
      () => allHandlersFinished() && this.#busy === 0 && this.#requests.length === 0 && this.#messages.length === 0,
    );
  }

  async goOnAsNew(): Promise<never> {
    await this.settled();
    return continueAsNew<typeof deployCoordinator>({ environment: this.#environment, refused: this.#refused });
  }

  async #accept(request: DeployRequest): Promise<DeployTicket> {
    const ticket = await accepting.acceptRequest({ environment: this.#environment, request });
    this.#accepted(ticket);
    return ticket;
  }

  async #withdraw(withdrawal: Withdrawal): Promise<void> {
    await accepting.withdrawDeploy({ environment: this.#environment, withdrawal });
    this.#queued = this.#queued.filter((q) => q.deploy !== withdrawal.deploy);
    this.#tell();
  }

  async #acceptSignal(request: DeployRequest): Promise<void> {
    const refused = refuseRequest(request);
    if (refused) return this.#refuse(request, refused);
    try {
      this.#accepted(await acts('accept the request').acceptRequest({ environment: this.#environment, request }));
    } catch (error) {
      this.#refuse(
        request,
        error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error),
      );
    }
  }

  #accepted({ deploy, approvalOrder, outcome }: DeployTicket): void {
    if (outcome === undefined && !this.#queued.some((q) => q.deploy === deploy))
      this.#queued = [...this.#queued, { deploy, approvalOrder }];
    this.#woken = true;
    this.#tell();
  }

  #refuse(request: DeployRequest | undefined, reason: string): void {
    const short = (text: string) => text.slice(0, REFUSAL_LENGTH);
    const refusal = { deploy: short(String(request?.id)), reason: short(reason) };
    this.#refused = [...this.#refused, refusal].slice(-REFUSALS_KEPT);
    this.#tell();
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

  #status(): CoordinatorStatus {
    return {
      environment: this.#environment,
      ...(this.#running !== undefined && { running: this.#running }),
      queued: this.#queued.filter((q) => q.deploy !== this.#running),
      refused: this.#refused,
    };
  }

  #tell(): void {
    const s = this.#status();
    const lines = [
      s.running ? `Deploy **${s.running}** runs.` : 'No deploy runs.',
      s.queued.length > 0 ? `Waiting, in this order: ${s.queued.map((q) => q.deploy).join(', ')}.` : 'None waits.',
      ...s.refused.slice(-3).map((r) => `Refused ${r.deploy}: ${r.reason}.`),
    ];
    setCurrentDetails(lines.join('\n\n'));
  }
}
