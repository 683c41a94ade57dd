import { fileURLToPath } from 'node:url';
import { expect, expectTypeOf, test } from 'vitest';
import { defineJob, jobGraph } from '../../src/index.ts';
import type { GraphHandle, GraphNode, Lockkeeper } from '../../src/index.ts';
import { compilerProblems } from '../support/compiler-problems.ts';

interface Mirrored {
  url: string;
  commits: number;
}
const mirror = defineJob({
  name: 'mirror',
  taskQueue: 'mirrors',
  async *run(_job, input: { url: string; depth?: number }): AsyncGenerator<undefined, Mirrored, void> {
    yield undefined;
    return { url: input.url, commits: 1 };
  },
});
const report = defineJob({
  name: 'report',
  taskQueue: 'reports',
  async *run(_job, input: { title: string; mirrored: { url: string }[] }) {
    yield undefined;
    return `${input.title}: ${input.mirrored.length}`;
  },
});
const silent = defineJob({
  name: 'silent',
  taskQueue: 'reports',
  async *run() {
    yield undefined;
  },
});

export const nightly = jobGraph({
  name: 'nightly',
  taskQueue: 'reports',
  nodes(graph, { urls }: { urls: string[] }) {
    const clean = graph.node('clean', silent);
    const mirrors = urls.map((url) => graph.node(`mirror ${url}`, mirror, { url }, { needs: [clean] }));
    expectTypeOf(mirrors).toEqualTypeOf<GraphNode<Mirrored>[]>();
    const written = graph.node('report', report, {
      title: 'all',
      mirrored: [...mirrors.map((one) => one.result), { url: 'by hand' }],
    });
    graph.node('retitled', report, { title: written.result, mirrored: [] }, { needs: ['clean'] });
    return { report: written.result, urls, all: mirrors.map((one) => one.result) };
  },
});

export const wrong = jobGraph({
  name: 'wrong',
  taskQueue: 'reports',
  nodes(graph, input: { url: string }) {
    const a = graph.node('a', mirror, input);
    // @ts-expect-error -- an input of another shape
    graph.node('b', mirror, { uri: 'x' });
    // @ts-expect-error -- no input, where there is one
    graph.node('c', mirror);
    // @ts-expect-error -- the result of another shape than the input
    graph.node('d', report, { title: a.result, mirrored: [] });
    // @ts-expect-error -- in a list, too
    graph.node('e', report, { title: 'x', mirrored: [graph.node('s', silent).result] });
    // @ts-expect-error -- no node of that name has been made
    graph.node('f', silent, undefined, { needs: [b] });
    // @ts-expect-error -- no node
    graph.node('g', silent, undefined, { needs: [7] });
    // @ts-expect-error -- no job
    graph.node('h', { name: 'mirror' }, { url: 'x' });
  },
});

/** Never run: only the compiler reads it. */
export async function programs(lockkeeper: Lockkeeper): Promise<void> {
  const run = await lockkeeper.graphs.start(nightly, { urls: [] }, { id: 'a', owner: 'b' });
  expectTypeOf(run).toEqualTypeOf<GraphHandle<{ report: string; urls: string[]; all: Mirrored[] }>>();
  expectTypeOf(await run.result()).toEqualTypeOf<{ report: string; urls: string[]; all: Mirrored[] }>();
  expectTypeOf(await lockkeeper.graphs.handle<typeof wrong>('a').result()).toEqualTypeOf<void>();
  expectTypeOf(await lockkeeper.graphs.handle('a').result()).toEqualTypeOf<unknown>();
  // @ts-expect-error -- an input of another shape
  await lockkeeper.graphs.start(nightly, { repos: [] });
  // @ts-expect-error -- no input, where there is one
  await lockkeeper.graphs.start(nightly);
  // @ts-expect-error -- a job is no graph
  await lockkeeper.graphs.start(mirror, { url: 'x' });
}

test('the compiler agrees with everything this file says', { timeout: 60_000 }, () => {
  expect(compilerProblems(fileURLToPath(import.meta.url))).toEqual([]);
});
