import type proto from '@temporalio/proto';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Payload } from '@temporalio/common';
import { expect } from 'vitest';
import type { Scene } from '../support/scene.ts';

type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent;

/** What Temporal's histories say of the order of deploys; the ledger is not asked. */
export interface OrderInHistories {
  /** Deploys by the beginning of their runs. */
  readonly runs: readonly {
    readonly deploy: string;
    readonly from: number;
    readonly to: number;
    readonly outcome: unknown;
  }[];
  /** The number under which each deploy was given its turn. */
  readonly numbers: ReadonlyMap<string, number>;
  /** Answered approvals: when each was taken, and when it was answered. */
  readonly approvals: readonly { readonly deploy: string; readonly taken: number; readonly answered: number }[];
}

const decode = (payload: Payload | null | undefined): unknown =>
  payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
const timeOf = ({ eventTime }: HistoryEvent) => Number(eventTime?.seconds ?? 0) * 1_000 + (eventTime?.nanos ?? 0) / 1e6;

export async function orderInHistories(scene: Scene): Promise<OrderInHistories> {
  const runs = [];
  const numbers = new Map<string, number>();
  const approvals = [];
  for await (const { workflowId, runId, type, memo } of scene.temporal.client.workflow.list()) {
    if (type !== 'deployRun' && type !== 'deployCoordinator') continue;
    const { events } = await scene.temporal.client.workflow.getHandle(workflowId, runId).fetchHistory();
    const history = events ?? [];
    if (type === 'deployRun') {
      const result = history.at(-1)!.workflowExecutionCompletedEventAttributes?.result?.payloads?.[0];
      const outcome = (decode(result) as { outcome?: unknown } | undefined)?.outcome;
      runs.push({
        deploy: memo?.['deploy'] as string,
        from: timeOf(history[0]!),
        to: timeOf(history.at(-1)!),
        outcome,
      });
      continue;
    }
    for (const [deploy, number] of turnsIn(history)) {
      expect(numbers.get(deploy) ?? number, `${deploy} keeps its number`).toBe(number);
      numbers.set(deploy, number);
    }
    approvals.push(...approvalsIn(history));
  }
  return { runs: runs.sort((a, b) => a.from - b.from), numbers, approvals };
}

function turnsIn(history: readonly HistoryEvent[]): [string, number][] {
  const asked = new Set(
    history
      .filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'nextDeploys')
      .map((event) => String(event.eventId)),
  );
  return history.flatMap(({ activityTaskCompletedEventAttributes: done }): [string, number][] => {
    if (!done || !asked.has(String(done.scheduledEventId))) return [];
    const { next } = decode(done.result?.payloads?.[0]) as { next?: { deploy: string; approvalOrder: number } };
    return next ? [[next.deploy, next.approvalOrder]] : [];
  });
}

function approvalsIn(history: readonly HistoryEvent[]): { deploy: string; taken: number; answered: number }[] {
  return history.flatMap((event) => {
    const done = event.workflowExecutionUpdateCompletedEventAttributes;
    const accepted = history.find(({ eventId }) => String(eventId) === String(done?.acceptedEventId));
    const input = accepted?.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input;
    if (input?.name !== 'approve' || !done?.outcome?.success) return [];
    const { deploy } = decode(input.args?.payloads?.[0]) as { deploy: string };
    return [{ deploy, taken: timeOf(accepted!), answered: timeOf(event) }];
  });
}

/** In the order of their approval, one at a time, and none lost. */
export function expectStrictOrder({ runs, numbers, approvals }: OrderInHistories, asked: readonly string[]): void {
  expect(runs.map(({ deploy }) => deploy).toSorted(), 'each has one run, and none is lost').toEqual([...asked].sort());
  expect(runs.filter(({ outcome }) => outcome !== 'succeeded')).toEqual([]);
  for (const [i, run] of runs.entries())
    if (i > 0) expect(run.from, `${run.deploy} begins after the one before`).toBeGreaterThanOrEqual(runs[i - 1]!.to);
  const inTurn = runs.map(({ deploy }) => numbers.get(deploy)!);
  expect(inTurn, 'in the order of their numbers').toEqual(inTurn.toSorted((a, b) => a - b));
  // What anybody could see: whoever was answered before another was heard comes first.
  const place = new Map(runs.map(({ deploy }, i) => [deploy, i]));
  expect(approvals.length).toBeGreaterThan(asked.length / 2);
  for (const one of approvals)
    for (const other of approvals)
      if (one.answered < other.taken && one.deploy !== other.deploy)
        expect(place.get(one.deploy)!, `${one.deploy} was approved before ${other.deploy}`).toBeLessThan(
          place.get(other.deploy)!,
        );
}
