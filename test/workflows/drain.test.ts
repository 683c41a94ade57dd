import { describe, expect, test } from 'vitest';
import { DrainBoard, closingOrder } from '../../src/workflows/drain.ts';

const queue = (taskQueue: string, ...after: string[]) => ({ taskQueue, after });

describe('the order in which gates close', () => {
  test.each([
    ['without order as written', [queue('a'), queue('b')], ['a', 'b']],
    [
      'a source before what it feeds, however written',
      [queue('reports', 'imports'), queue('imports')],
      ['imports', 'reports'],
    ],
    ['a chain from its source', [queue('c', 'b'), queue('b', 'a'), queue('a')], ['a', 'b', 'c']],
    [
      'a diamond, each queue once',
      [queue('d', 'b', 'c'), queue('b', 'a'), queue('c', 'a'), queue('a')],
      ['a', 'b', 'c', 'd'],
    ],
    ['a source outside of the plan is left alone', [queue('reports', 'imports')], ['reports']],
  ])('%s', (_, queues, expected) => {
    expect(closingOrder(queues)).toEqual(expected);
  });
});

describe('what a drain waits for', () => {
  const state = (taskQueue: string, drained: boolean, generation = 1) => ({
    taskQueue,
    drained,
    generation,
    running: drained ? 0 : 1,
  });

  test('queues that are not drained and participants not heard of', () => {
    const board = new DrainBoard(['cron']);
    board.record(state('a', false));
    board.record(state('b', true));
    expect(board.waitingFor()).toEqual(['a', 'cron']);
    expect(board.undrainedQueues()).toEqual(['a']);
    board.record(state('a', true));
    board.participantDrained('cron');
    expect(board.waitingFor()).toEqual([]);
  });

  test('nobody but atomic slices that may still end: only then the deadline is not theirs', () => {
    const board = new DrainBoard(['cron']);
    board.participantDrained('cron');
    board.record({ ...state('a', false), running: 2, atomic: 2 });
    board.record(state('b', true));
    expect(board.onlyAtomic()).toBe(true);
    board.record({ ...state('b', false), running: 2, atomic: 1 });
    expect(board.onlyAtomic()).toBe(false);
    board.record(state('b', true));
    expect(new DrainBoard(['cron']).onlyAtomic()).toBe(false);
  });

  test('what was recorded before atomic slices were told apart is late at the deadline, as it was', () => {
    const board = new DrainBoard([]);
    board.record(state('a', false));
    expect(board.onlyAtomic()).toBe(false);
  });

  test('a participant that nobody declared changes nothing', () => {
    const board = new DrainBoard(['cron']);
    board.participantDrained('somebody');
    expect(board.waitingFor()).toEqual(['cron']);
  });

  test('a signal of another generation, or of another queue, does not concern it', () => {
    const board = new DrainBoard([]);
    board.record(state('a', false, 2));
    expect(board.concerns('a', 2)).toBe(true);
    expect(board.concerns('a', 1)).toBe(false);
    expect(board.concerns('b', 2)).toBe(false);
  });
});
