import { setCurrentDetails } from '@temporalio/workflow';
import { byOrder } from '../protocol.ts';
import type { CoordinatorInput, CoordinatorStatus, DeployOrder, Freeze, QueuedDeploy } from '../protocol.ts';
import { describeCoordinator } from './details.ts';

/** Refusals that `status` still shows, and how much of each: what is refused may be as large as a payload can be. */
const REFUSALS_KEPT = 20;
const REFUSAL_LENGTH = 500;

/** What the coordinator knows of its queue, for those who ask. The ledger decides; this is only told. */
export class CoordinatorQueue {
  readonly #environment: string;
  #refused: CoordinatorStatus['refused'];
  #queued: readonly QueuedDeploy[];
  #freeze: Freeze | undefined;
  /** Its turn has come, and its run has not begun. */
  #next: string | undefined;
  #running: string | undefined;
  /** Deploys that were heard of while the ledger was asked: its answer may be older. */
  #newer = new Set<string>();

  constructor({ environment, refused = [], queued = [], freeze }: CoordinatorInput) {
    this.#environment = environment;
    this.#refused = refused;
    this.#queued = queued;
    this.#freeze = freeze;
  }

  /** What the ledger answers; what is heard while it is asked is believed instead. */
  async read(ask: () => Promise<DeployOrder>): Promise<DeployOrder> {
    this.#newer = new Set();
    const order = await ask();
    const isNewer = ({ deploy }: QueuedDeploy) => this.#newer.has(deploy);
    this.#next = order.next?.deploy;
    this.#queued = [...order.queued.filter((q) => !isNewer(q)), ...this.#queued.filter(isNewer)]
      .filter(({ deploy }) => deploy !== this.#next)
      .sort(byOrder);
    this.#freeze = order.freeze;
    this.tell();
    return order;
  }

  /** A deploy is as it says now; undefined: it waits no longer. */
  changed(deploy: string, now: QueuedDeploy | undefined): void {
    this.#newer.add(deploy);
    const others = this.#queued.filter((q) => q.deploy !== deploy);
    const waits = now && deploy !== this.#next && deploy !== this.#running;
    this.#queued = waits ? [...others, now].sort(byOrder) : others;
    this.tell();
  }

  frozen(freeze: Freeze | undefined): void {
    this.#freeze = freeze;
    this.tell();
  }

  /** The deploy that has the lock; undefined: it has ended. */
  runs(deploy: string | undefined): void {
    this.#running = deploy;
    this.#next = undefined;
    this.tell();
  }

  refuse(deploy: unknown, reason: string): void {
    const short = (text: string) => text.slice(0, REFUSAL_LENGTH);
    const refusal = { deploy: short(String(deploy)), reason: short(reason) };
    this.#refused = [...this.#refused, refusal].slice(-REFUSALS_KEPT);
    this.tell();
  }

  status(): CoordinatorStatus {
    return {
      environment: this.#environment,
      ...(this.#running !== undefined && { running: this.#running }),
      queued: [
        ...(this.#next === undefined ? [] : [{ deploy: this.#next }]),
        ...this.#queued.filter(({ deploy }) => deploy !== this.#running),
      ],
      ...(this.#freeze && { freeze: this.#freeze }),
      refused: this.#refused,
    };
  }

  tell(): void {
    setCurrentDetails(describeCoordinator(this.status()));
  }
}
