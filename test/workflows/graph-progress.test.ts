import { describe, expect, test } from 'vitest';
import type { KnownNode, NodeState } from '../../src/protocol.ts';
import { describeGraph } from '../../src/workflows/graph-details.ts';
import { failureSummary, isOver, phaseOf, shareDone, startable, stopped } from '../../src/workflows/graph-progress.ts';

/** `a`, `b` after `a`, `c` after `b`, `d` after `a` and `x`, `x`. */
const NODES = [
  { name: 'a', needs: [] },
  { name: 'b', needs: ['a'] },
  { name: 'c', needs: ['b'] },
  { name: 'd', needs: ['a', 'x'] },
  { name: 'x', needs: [] },
];
/** States in the order of {@link NODES}, by their first letters. */
const LETTERS: Readonly<Record<string, NodeState>> = {
  p: 'pending',
  r: 'running',
  q: 'quarantined',
  d: 'done',
  f: 'failed',
  c: 'cancelled',
  s: 'skipped',
};
const progress = (letters: string): Map<string, KnownNode> =>
  new Map(
    NODES.map(({ name }, i) => [
      name,
      { name, state: LETTERS[letters[i]!]!, ...(letters[i] === 'f' && { reason: `${name} broke` }) },
    ]),
  );

describe('what can start', () => {
  test.each([
    ['ppppp', 9, ['a', 'x'], 'what needs nothing'],
    ['ppppp', 1, ['a'], 'no more than there is room for'],
    ['rpppp', 1, [], 'nothing while there is no room'],
    ['dpppp', 9, ['b', 'x'], 'what needs only what is done'],
    ['dpppd', 9, ['b', 'd'], 'what needs several that are done'],
    ['dpppr', 9, ['b'], 'not what needs one that runs'],
    ['qpppp', 1, ['x'], 'one in quarantine takes nobody’s place, and holds back what needs it'],
    ['fpppp', 9, ['x'], 'not what needs one that failed'],
    ['cpppp', 9, ['x'], '… or was cancelled'],
    ['ddddd', 9, [], 'nothing when all are done'],
  ])('%s with room for %i: %j, %s', (letters, room, names) => {
    expect(startable(NODES, progress(letters), room)).toEqual(names);
  });
});

describe('what is stopped', () => {
  test.each([
    ['fpppp', { b: 'a', c: 'a', d: 'a' }, 'by a failure, directly or not'],
    ['dfppr', { c: 'b' }, 'nothing else'],
    ['dpppf', { d: 'x' }, 'by one of several it needs'],
    ['cpppp', { b: 'a', c: 'a', d: 'a' }, 'by a node that was cancelled'],
    ['dsppd', { c: 'b' }, 'by one that is stopped itself'],
    ['qpppp', {}, 'not by one that waits for a person'],
    ['frrrp', {}, 'not what has begun'],
  ])('%s: %j, %s', (letters, names, why) => {
    expect(Object.fromEntries(stopped(NODES, progress(letters))), why).toEqual(names);
  });
});

test.each([
  ['ddddd', false, 'done', true, 1],
  ['ddddf', false, 'failed', true, 0.8],
  ['fsssd', false, 'failed', true, 0.2],
  ['dcsdd', false, 'failed', true, 0.6],
  ['dcsdd', true, 'cancelled', true, 0.6],
  ['ddddd', true, 'done', true, 1],
  ['ddrdd', true, 'running', false, 0.8],
  ['fqssr', false, 'quarantined', false, 0],
  ['fpppp', false, 'running', false, 0],
])('%s, cancelled %s: phase %s, over %s, share %d', (letters, cancelled, phase, over, share) => {
  const at = progress(letters);
  expect(phaseOf(at, cancelled)).toBe(phase);
  expect(isOver(at)).toBe(over);
  expect(shareDone(at)).toBe(share);
});

describe('words', () => {
  test('a failure names what failed, what never began, and what to do', () => {
    expect(failureSummary(progress('fsssd'), 'nightly-1')).toBe(
      '1 of 5 nodes did not succeed: `a` failed: a broke. Not begun, because they need those: `b`, `c`, `d`. 1 done, and they keep their results. Mend the cause, then run the rest again: lockkeeper graph rerun nightly-1',
    );
    expect(failureSummary(progress('ddddf'), 'of us')).toMatch(/rerun 'of us'$/);
  });

  test('of many it names some', () => {
    const many = new Map(
      Array.from({ length: 30 }, (_, i) => [
        `n${i}`,
        { name: `n${i}`, state: 'failed' as const, reason: 'x'.repeat(300) },
      ]),
    );
    const summary = failureSummary(many, 'g');
    expect(summary).toMatch(/^30 of 30 nodes did not succeed: .*; and 20 more\. 0 done/s);
    expect(summary.length).toBeLessThan(4_000);
  });

  test('the details list every node; of many those that people look for first', () => {
    const status = {
      graph: 'nightly',
      phase: 'quarantined' as const,
      nodes: NODES.map((node) => ({ ...node, job: 'j', ...progress('qpprf').get(node.name)! })),
    };
    expect(describeGraph(status, 'nightly-1')).toBe(
      [
        'Graph **nightly** is **quarantined**: 1 quarantined, 1 failed, 1 running, 2 pending of 5 nodes.',
        "A person decides: `lockkeeper job release 'nightly-1/a' --continue | --restart | --from <seq> | --fail`.",
        '- ⏸ `a` (j): **quarantined**\n- · `b` (j): **pending**\n- · `c` (j): **pending**\n- ▶ `d` (j): **running**\n- ✗ `x` (j): **failed**: x broke',
      ].join('\n\n'),
    );
    const many = Array.from({ length: 500 }, (_, i) => ({
      name: `\`${'n'.repeat(150)}${i}`,
      job: 'j',
      needs: [],
      state: i === 499 ? ('failed' as const) : ('done' as const),
    }));
    const details = describeGraph({ graph: 'g', phase: 'running', nodes: many }, 'g');
    expect(details.length).toBeLessThan(18_000);
    expect(details).toContain(`- ✗ \`'nnn`);
    expect(details).toContain('… and 440 more.');
  });
});
