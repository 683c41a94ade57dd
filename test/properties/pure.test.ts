import fc from 'fast-check';
import { expect, test } from 'vitest';
import { milliseconds } from '../../src/duration.ts';
import { backoffMs } from '../../src/jobs/retry.ts';
import { DrainBoard, closingOrder } from '../../src/workflows/drain.ts';
import { refuseRequest } from '../../src/workflows/request.ts';

/** Queues of which each may be fed by those before it, in any order of writing. */
const graphs = fc
  .array(fc.array(fc.nat(9), { maxLength: 4 }), { minLength: 1, maxLength: 10 })
  .map((sources) =>
    sources.map((after, i) => ({
      taskQueue: `q${i}`,
      after: [...new Set(after.filter((source) => source < i))].map((source) => `q${source}`),
    })),
  )
  .chain((queues) => fc.shuffledSubarray(queues, { minLength: queues.length }));

test('queues are closed after those that feed them, each once', () => {
  fc.assert(
    fc.property(graphs, (queues) => {
      const order = closingOrder(queues);
      expect([...order].sort()).toEqual(queues.map((queue) => queue.taskQueue).sort());
      for (const { taskQueue, after } of queues)
        for (const source of after) expect(order.indexOf(source)).toBeLessThan(order.indexOf(taskQueue));
    }),
  );
});

test('a drain waits for what the last word on each queue, and on each participant, leaves', () => {
  const heard = fc.oneof(
    fc.record({
      taskQueue: fc.constantFrom('a', 'b', 'c'),
      generation: fc.nat(3),
      drained: fc.boolean(),
      running: fc.nat(3),
    }),
    fc.constantFrom('x', 'y', 'unknown'),
  );
  fc.assert(
    fc.property(fc.array(heard), (all) => {
      const board = new DrainBoard(['x', 'y']);
      for (const one of all) {
        if (typeof one === 'string') board.participantDrained(one);
        else board.record(one);
      }
      const states = all.filter((one) => typeof one !== 'string');
      const last = new Map(states.map((state) => [state.taskQueue, state]));
      const left = [...last.values()].filter((state) => !state.drained).map((state) => state.taskQueue);
      const said: unknown[] = all;
      const silent = ['x', 'y'].filter((name) => !said.includes(name));
      expect(board.waitingFor().sort()).toEqual([...left, ...silent].sort());
      expect(board.undrainedQueues().sort()).toEqual([...left].sort());
      for (const { taskQueue, generation } of last.values()) {
        expect(board.concerns(taskQueue, generation)).toBe(true);
        expect(board.concerns(taskQueue, generation + 1)).toBe(false);
      }
    }),
  );
});

test('whatever comes from outside is a request or is refused with words', () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withBigInt: false }), (found) => {
      const refused = refuseRequest(found);
      expect(refused === undefined || refused.length > 0).toBe(true);
      if (refused === undefined)
        expect(found).toMatchObject({ id: expect.any(String) as string, plan: expect.any(String) as string });
    }),
  );
  const almost = fc.record(
    {
      id: fc.oneof(fc.constant('v1'), fc.anything()),
      plan: fc.oneof(fc.constant('default'), fc.anything()),
      requestedBy: fc.oneof(fc.constant('ci'), fc.anything()),
      parameters: fc.anything(),
      external: fc.anything(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(almost, (found) => {
      expect(typeof refuseRequest(found)).toMatch(/^(string|undefined)$/);
    }),
  );
});

test('pauses between attempts never shrink, and never pass their maximum', () => {
  const budget = fc.record({
    maximumAttempts: fc.integer({ min: 1, max: 100 }),
    initialIntervalMs: fc.integer({ min: 1, max: 10_000 }),
    backoffCoefficient: fc.double({ min: 1, max: 10, noNaN: true }),
    maximumIntervalMs: fc.integer({ min: 1, max: 100_000 }),
  });
  fc.assert(
    fc.property(budget, fc.integer({ min: 1, max: 200 }), (retry, failures) => {
      expect(backoffMs(retry, failures)).toBeLessThanOrEqual(retry.maximumIntervalMs);
      expect(backoffMs(retry, failures + 1)).toBeGreaterThanOrEqual(backoffMs(retry, failures));
    }),
  );
});

test('a duration with a unit is that many of it, and anything else is refused with words', () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.constantFrom(['ms', 1], ['s', 1e3], ['m', 6e4], ['h', 36e5]), (n, [unit, size]) => {
      expect(milliseconds(`${n}${unit}`)).toBe(n * Number(size));
    }),
  );
  fc.assert(
    fc.property(
      fc.string().filter((text) => !/^\d/.test(text)),
      (text) => {
        expect(() => milliseconds(text)).toThrow('is not a duration');
      },
    ),
  );
});
