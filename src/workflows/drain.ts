import type { PlanQueue, QueueState } from '../protocol.ts';

/** Queues in the order in which they are closed: those that feed others first. Opening is the reverse. */
export function closingOrder(queues: readonly PlanQueue[]): string[] {
  const order: string[] = [];
  const visit = (queue: PlanQueue) => {
    if (order.includes(queue.taskQueue)) return;
    for (const source of queue.after) {
      const found = queues.find((q) => q.taskQueue === source);
      if (found) visit(found);
    }
    order.push(queue.taskQueue);
  };
  queues.forEach(visit);
  return order;
}

/** Which queues and participants are known to be drained, of one generation of gates. */
export class DrainBoard {
  readonly #queues = new Map<string, QueueState>();
  readonly #participants: Map<string, boolean>;

  constructor(participants: readonly string[]) {
    this.#participants = new Map(participants.map((name) => [name, false]));
  }

  /** What the ledger says of a queue; a later generation replaces an earlier one. */
  record(state: QueueState): void {
    this.#queues.set(state.taskQueue, state);
  }

  /** Whether a signal speaks of a gate that is closed now, and so is worth asking the ledger about. */
  concerns(taskQueue: string, generation: number): boolean {
    return this.#queues.get(taskQueue)?.generation === generation;
  }

  participantDrained(name: string): void {
    if (this.#participants.has(name)) this.#participants.set(name, true);
  }

  /** Queues not drained yet, then participants not heard of. */
  waitingFor(): string[] {
    const queues = [...this.#queues].filter(([, q]) => !q.drained).map(([name]) => name);
    const participants = [...this.#participants].filter(([, drained]) => !drained).map(([name]) => name);
    return [...queues, ...participants];
  }

  undrainedQueues(): string[] {
    return [...this.#queues].filter(([, q]) => !q.drained).map(([name]) => name);
  }

  /** Nobody else is waited for than atomic slices whose longest duration is not over: the drain's deadline is not theirs. */
  onlyAtomic(): boolean {
    const undrained = [...this.#queues.values()].filter((queue) => !queue.drained);
    const participants = [...this.#participants.values()].every(Boolean);
    return participants && undrained.every(({ running, atomic = 0 }) => running > 0 && running === atomic);
  }
}
