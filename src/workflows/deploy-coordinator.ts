import {
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  continueAsNew,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { deployRunId } from '../protocol.ts';
import type { CoordinatorInput, DeployOrder, NextDeploy } from '../protocol.ts';
import { checkInput } from './check-input.ts';
import { CoordinatorInbox } from './coordinator-inbox.ts';
import { CoordinatorQueue } from './coordinator-queue.ts';
import { acts, waiting } from './deploy-activities.ts';
import type { deployRun } from './deploy-run.ts';

/** Without a nudge the queue of deploys is read again this often, milliseconds. */
const LOOK_AGAIN = 10 * 60_000;

/** The fixed address of an environment: takes requests and signals, and drives one deploy at a time, in approval order. */
export async function deployCoordinator(input: CoordinatorInput): Promise<void> {
  checkInput(input, { environment: 'string' });
  const queue = new CoordinatorQueue(input);
  const inbox = new CoordinatorInbox(input.environment, queue);
  try {
    await new Coordinator(input.environment, queue, inbox).run();
  } catch (error) {
    // Cancelled by a person: what it was told is not lost, and the deploy worker starts a new one soon.
    await CancellationScope.nonCancellable(() => inbox.settled());
    throw error;
  }
}

class Coordinator {
  readonly #environment: string;
  readonly #queue: CoordinatorQueue;
  readonly #inbox: CoordinatorInbox;

  constructor(environment: string, queue: CoordinatorQueue, inbox: CoordinatorInbox) {
    this.#environment = environment;
    this.#queue = queue;
    this.#inbox = inbox;
  }

  async run(): Promise<never> {
    for (;;) {
      this.#inbox.listen();
      const { next, lookAgainMs } = await this.#queue.read(() => this.#askForOrder());
      if (next) await this.#drive(next);
      else await this.#inbox.news(Math.min(lookAgainMs ?? LOOK_AGAIN, LOOK_AGAIN));
      if (this.#inbox.refresh || workflowInfo().continueAsNewSuggested) await this.#goOnAsNew();
    }
  }

  async #askForOrder(): Promise<DeployOrder> {
    const order: DeployOrder | OlderOrder = await acts('which deploy is next?').nextDeploys({
      environment: this.#environment,
    });
    if (!isOlder(order)) return order;
    const [next, ...queued] = order;
    return {
      ...(next && { next }),
      queued: queued.map(({ deploy, approvalOrder = 0 }) => ({ deploy, approvalOrder })),
    };
  }

  /** Starts a deploy's run, or finds one running, and waits for its end either way. */
  async #drive(next: NextDeploy): Promise<void> {
    const workflowId = deployRunId(this.#environment);
    const runId = await this.#start(next, workflowId);
    this.#queue.runs(next.deploy);
    const end = await this.#awaitEnd(workflowId, runId);
    this.#queue.runs(undefined);
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

  async #goOnAsNew(): Promise<never> {
    await this.#inbox.settled();
    return continueAsNew(this.#queue.status() satisfies CoordinatorInput);
  }
}

/** As it was before approvals: those in the order, and nothing else. Histories of then are replayed. */
type OlderOrder = readonly NextDeploy[];
const isOlder = (order: DeployOrder | OlderOrder): order is OlderOrder => Array.isArray(order);
