import fc from 'fast-check';
import { expect, test } from 'vitest';
import { refuseGraph } from '../../src/protocol.ts';
import type { KnownNode } from '../../src/protocol.ts';
import { isOver, phaseOf, startable, stopped } from '../../src/workflows/graph-progress.ts';

interface Node {
  readonly name: string;
  readonly needs: readonly string[];
}

/** Each may need any before it; written down in any order. */
const graphs = fc
  .array(fc.array(fc.nat(19), { maxLength: 4 }), { minLength: 1, maxLength: 20 })
  .map((all) =>
    all.map((needs, i): Node => ({
      name: `n${i}`,
      needs: [...new Set(needs.filter((need) => need < i))].map((need) => `n${need}`),
    })),
  )
  .chain((nodes) => fc.shuffledSubarray(nodes, { minLength: nodes.length }));

/** All that a node needs, directly or not. */
function above(nodes: readonly Node[], name: string): Set<string> {
  const found = new Set<string>();
  const look = (one: string) =>
    nodes
      .find((node) => node.name === one)!
      .needs.forEach((need) => {
        if (found.has(need)) return;
        found.add(need);
        look(need);
      });
  look(name);
  return found;
}

interface Ran {
  readonly begun: string[];
  readonly progress: Map<string, KnownNode>;
  readonly atOnce: number;
}

/** Runs a graph as its workflow does, until nothing more can begin; `pick` says which of those at work ends next. */
function run(nodes: readonly Node[], failing: ReadonlySet<string>, room: number, pick: (n: number) => number): Ran {
  const progress = new Map<string, KnownNode>(nodes.map(({ name }) => [name, { name, state: 'pending' }]));
  const begun: string[] = [];
  let atOnce = 0;
  const set = (name: string, state: KnownNode['state']) => progress.set(name, { name, state });
  while (!isOver(progress)) {
    for (const name of stopped(nodes, progress).keys()) set(name, 'skipped');
    for (const name of startable(nodes, progress, room)) {
      expect(nodes.find((node) => node.name === name)!.needs.map((need) => progress.get(need)!.state)).not.toContain(
        'pending',
      );
      begun.push(name);
      set(name, 'running');
    }
    const running = [...progress.values()].filter(({ state }) => state === 'running');
    atOnce = Math.max(atOnce, running.length);
    const next = running[pick(running.length)];
    if (next) set(next.name, failing.has(next.name) ? 'failed' : 'done');
    else if (!isOver(progress)) throw new Error('nothing runs, and it is not over');
  }
  return { begun, progress, atOnce };
}

const runs = graphs.chain((nodes) =>
  fc.record({
    nodes: fc.constant(nodes),
    failing: fc.subarray(nodes.map(({ name }) => name)).map((names) => new Set(names)),
    room: fc.integer({ min: 1, max: 5 }),
    picks: fc.infiniteStream(fc.nat()),
  }),
);

test('whatever fails and whenever it ends: everything begins after what it needs, once, and only what needs a failure does not', () => {
  fc.assert(
    fc.property(runs, ({ nodes, failing, room, picks }) => {
      const { begun, progress, atOnce } = run(nodes, failing, room, (n) => (n === 0 ? 0 : picks.next().value % n));
      expect(new Set(begun).size).toBe(begun.length);
      expect(atOnce).toBeLessThanOrEqual(room);
      for (const { name } of nodes) {
        const needed = above(nodes, name);
        const isStopped = [...needed].some((need) => failing.has(need));
        expect(begun.includes(name)).toBe(!isStopped);
        expect(progress.get(name)!.state).toBe(isStopped ? 'skipped' : failing.has(name) ? 'failed' : 'done');
        for (const need of needed) if (!isStopped) expect(begun.indexOf(need)).toBeLessThan(begun.indexOf(name));
      }
      expect(phaseOf(progress, false)).toBe(failing.size === 0 ? 'done' : 'failed');
    }),
  );
});

test('a graph is refused for a circle when, and only when, there is one', () => {
  const any = fc.array(fc.array(fc.nat(7), { maxLength: 2 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(any, (all) => {
      const nodes = all.map((needs, i) => ({
        name: `n${i}`,
        job: 'j',
        taskQueue: 'q',
        needs: [...new Set(needs.filter((need) => need < all.length))].map((need) => `n${need}`),
      }));
      const circular = nodes.some(({ name }) => above(nodes, name).has(name));
      const refused = refuseGraph({ nodes }, 'g');
      expect(refused !== undefined).toBe(circular);
      if (refused === undefined) return;
      // Each of the circle needs the next one.
      const way = [...refused.matchAll(/`(n\d)`/g)].map(([, name]) => name!);
      expect(way[0]).toBe(way.at(-1));
      way.slice(1).forEach((need, i) => expect(nodes.find(({ name }) => name === way[i])!.needs).toContain(need));
    }),
  );
});
