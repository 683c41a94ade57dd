import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { jobGraph } from '../../src/index.ts';
import type { GraphWorkflowInput } from '../../src/protocol.ts';
import { ALL_JOBS, fragile, mirror, nightly, partly, report, untilTold, waiting } from '../app/graph-jobs.ts';
import { eventually } from '../support/eventually.ts';
import type { Scene } from '../support/scene.ts';
import { effects, expectCountedOnce, mend, openGraphScene, states, untilStates } from './graph-scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await openGraphScene();
  await scene.startWorker(ALL_JOBS);
});

const workflow = (id: string) => scene.temporal.client.workflow.getHandle(id);
const input = { repos: ['a'], to: 2, everyMs: 1 };

describe('the same id again', () => {
  test('with equal content gives the graph that is there, running or done', async () => {
    const first = await scene.graphs.start(waiting, undefined, { id: 'again' });
    const { runId } = await workflow('again').describe();
    const second = await scene.graphs.start(waiting, undefined, { id: 'again' });
    expect((await workflow('again').describe()).runId).toBe(runId);
    await mend(scene, 'again/told');
    expect(await second.result()).toEqual(await first.result());
    await scene.graphs.start(waiting, undefined, { id: 'again' });
    expect((await workflow('again').describe()).runId).toBe(runId);
    await expectCountedOnce(scene, 'again', 'told');
  });

  test('of one that failed runs what did not succeed, as rerun does', async () => {
    const run = await scene.graphs.start(partly, undefined, { id: 'failed' });
    await expect(run.result()).rejects.toThrow();
    await mend(scene, 'failed/bad');
    await scene.graphs.start(partly, undefined, { id: 'failed' });
    expect(await run.result()).toEqual({ alone: 'alone: 3', after: 'after: 1' });
    expect(await effects(scene, 'failed')).toEqual(['after 1', 'alone 3', 'good 0', 'good 1', 'good 2', 'last 0']);
  });

  test('by two at once: one graph', async () => {
    const both = await Promise.all([1, 2].map(() => scene.graphs.start(nightly, input, { id: 'at-once' })));
    expect(await Promise.all(both.map((run) => run.result()))).toEqual(
      [1, 2].map(() => ({ report: 'counted: 2', repos: ['a'] })),
    );
    expect(await effects(scene, 'at-once')).toHaveLength(3);
  });

  test.each([
    [
      'other inputs',
      'the same graph with other nodes or inputs',
      (id: string) => scene.graphs.start(nightly, { ...input, to: 3 }, { id }),
    ],
    ['another graph', 'graph nightly', (id: string) => scene.graphs.start(partly, undefined, { id })],
  ])('with %s is refused', async (_, words, start) => {
    const id = `other-${words.length}`;
    await (await scene.graphs.start(nightly, input, { id })).result();
    await expect(start(id)).rejects.toMatchObject({
      code: 'GRAPH_EXISTS',
      message: expect.stringContaining(`belongs to ${words} already`) as string,
    });
  });

  test('that is the id of a job is refused', async () => {
    await scene.jobs.start(mirror, { to: 1, everyMs: 1 }, { id: 'a-job' });
    await expect(scene.graphs.start(nightly, input, { id: 'a-job' })).rejects.toMatchObject({ code: 'GRAPH_EXISTS' });
    await expect(scene.graphs.handle('a-job').status()).rejects.toMatchObject({
      code: 'GRAPH_NOT_FOUND',
      next: expect.stringContaining('lockkeeper job show a-job') as string,
    });
    await expect(scene.graphs.handle('nobody').describe()).rejects.toMatchObject({ code: 'GRAPH_NOT_FOUND' });
  });
});

describe('rerun', () => {
  test('is refused while the graph runs, and when it is done', async () => {
    const run = await scene.graphs.start(waiting, undefined, { id: 'busy' });
    await expect(run.rerun()).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/^graph busy is running\. Wait for its end/) as string,
    });
    await mend(scene, 'busy/told');
    await run.result();
    await expect(run.rerun()).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/^graph busy is done\. There is nothing to run again/) as string,
    });
  });

  test('of a graph that was terminated finds its jobs at work, and none runs twice', async () => {
    const run = await scene.graphs.start(waiting, undefined, { id: 'terminated' });
    await untilStates(run, { told: 'running', first: 'done' });
    await workflow('terminated').terminate('a test');
    await expect(run.result()).rejects.toThrow();
    expect((await workflow('terminated/told').describe()).status.name).toBe('RUNNING');
    await run.rerun();
    await untilStates(run, { told: 'running', first: 'done' });
    await mend(scene, 'terminated/told');
    expect((await run.result()).report).toMatch(/^waited: /);
    await expectCountedOnce(scene, 'terminated', 'told');
    await scene.record('job-graph-adopted', 'terminated');
  }, 60_000);

  test('of a graph whose own workflow was reset, likewise', async () => {
    const run = await scene.graphs.start(waiting, undefined, { id: 'reset' });
    await untilStates(run, { told: 'running', first: 'done' });
    const { events } = await workflow('reset').fetchHistory();
    const firstTask = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId ?? null;
    await scene.temporal.client.workflowService.resetWorkflowExecution({
      namespace: scene.temporal.namespace,
      workflowExecution: { workflowId: 'reset' },
      workflowTaskFinishEventId: firstTask,
      requestId: 'reset',
      reason: 'a test',
    });
    await mend(scene, 'reset/told');
    expect((await run.result()).report).toMatch(/^waited: /);
    await expectCountedOnce(scene, 'reset', 'told');
    expect((await effects(scene, 'reset')).filter((one) => one.startsWith('report'))).toHaveLength(1);
  }, 60_000);
});

test('a job that somebody else has under the id of a node is not taken for it', async () => {
  const foreign = await scene.jobs.start(mirror, { to: 1, everyMs: 1 }, { id: 'foreign/mirror a' });
  await foreign.result();
  const run = await scene.graphs.start(nightly, input, { id: 'foreign' });
  const said = expect.stringContaining('`mirror a` failed: the id foreign/mirror a belongs to another job') as string;
  await expect(run.result()).rejects.toMatchObject({ cause: { message: said } });
  await run.rerun();
  await expect(run.result()).rejects.toMatchObject({ cause: { message: said } });
});

test('a node that is cancelled or terminated by itself stops what needs it', async () => {
  const run = await scene.graphs.start(waiting, undefined, { id: 'one-node' });
  // The graph speaks of it as running a moment before the server has it.
  await eventually(() => scene.jobs.handle('one-node/told').cancel());
  await expect(run.result()).rejects.toMatchObject({
    cause: { type: 'GRAPH_FAILED', message: expect.stringContaining('`told` cancelled: it was cancelled') as string },
  });
  await run.rerun();
  await eventually(() => workflow('one-node/told').terminate('a test'));
  await expect(run.result()).rejects.toMatchObject({
    cause: { message: expect.stringContaining('`told` failed: its workflow was terminated') as string },
  });
  expect(await states(run)).toEqual({ first: 'done', told: 'failed', report: 'skipped', other: 'skipped' });
}, 60_000);

describe('refused by the client, before anything starts', () => {
  const graphOf = (nodes: Parameters<typeof jobGraph>[0]['nodes']) =>
    jobGraph({ name: 'wrong', taskQueue: 'reports', nodes });

  test.each([
    ['nothing', graphOf(() => undefined), 'GRAPH_INVALID', /it has no nodes/],
    [
      'a circle',
      graphOf(
        (g) =>
          void (
            g.node('a', untilTold, undefined, { needs: ['b'] }),
            g.node('b', untilTold, undefined, { needs: ['a'] })
          ),
      ),
      'GRAPH_INVALID',
      /in a circle: `a` needs `b` needs `a`/,
    ],
    [
      'a name that is not there',
      graphOf((g) => void (g.node('mirror', untilTold), g.node('b', untilTold, undefined, { needs: ['miror'] }))),
      'GRAPH_INVALID',
      /node `b` needs `miror`, which is not there; did you mean `mirror`\?/,
    ],
    [
      'a node of another graph',
      graphOf((g) => void g.node('b', untilTold, undefined, { needs: [{ name: 'b' } as never] })),
      'GRAPH_INVALID',
      /needs what is no node of this graph/,
    ],
    ['no job', graphOf((g) => void g.node('a', {} as never, {} as never)), 'GRAPH_INVALID', /node `a` has no job/],
    [
      'nodes that throw',
      graphOf(() => {
        throw new Error('no list of repos');
      }),
      'GRAPH_INVALID',
      /its `nodes` threw: no list of repos/,
    ],
    [
      'an input that its job refuses',
      graphOf((g) => void g.node('r', report, { title: 'x', counts: [{} as never] })),
      'JOB_INPUT_INVALID',
      /the input of job report does not parse: no counts/,
    ],
    [
      'too much',
      graphOf((g) => void Array.from({ length: 3 }, (_, i) => g.node(`f${i}`, fragile, { why: 'x'.repeat(400_000) }))),
      'GRAPH_INVALID',
      /at most 1048576 are possible/,
    ],
    [
      'an input that cannot be JSON',
      graphOf((g) => void g.node('f', fragile, { why: 1n as never })),
      'JOB_INPUT_INVALID',
      /cannot be JSON/,
    ],
  ])('%s', async (_, definition, code, message) => {
    await expect(scene.graphs.start(definition, undefined, { id: 'never' })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
    await expect(scene.graphs.handle('never').describe()).rejects.toMatchObject({ code: 'GRAPH_NOT_FOUND' });
  });

  test('an input that the graph refuses', async () => {
    const parsing = jobGraph({
      name: 'parsing',
      taskQueue: 'reports',
      parseInput: (): string => {
        throw new Error('not a list');
      },
      nodes: () => undefined,
    });
    await expect(scene.graphs.start(parsing, 'x')).rejects.toMatchObject({
      code: 'JOB_INPUT_INVALID',
      message: expect.stringContaining('the input of graph parsing does not parse: not a list') as string,
    });
  });

  test.each([
    [{ name: '9' }, /the name is not usable/],
    [{ taskQueue: '' }, /it has no task queue/],
    [{ maxParallel: 0 }, /maxParallel is 0/],
    [{ nodes: undefined as never }, /it has no `nodes`/],
  ])('a definition with %j', (wrong, message) => {
    expect(() => jobGraph({ name: 'g', taskQueue: 'q', nodes: () => undefined, ...wrong })).toThrow(message);
  });
});

describe('started by anybody’s hand, its workflow ends with words', () => {
  const node = { name: 'a', job: 'mirror', taskQueue: 'mirrors', needs: [] };
  test.each([
    [[], 'USAGE', /the input undefined/],
    [['x'], 'USAGE', /the input "x"/],
    [[{}], 'USAGE', /without the string "graph"/],
    [[{ graph: 'g', nodes: {} }], 'GRAPH_INVALID', /its nodes are no list/],
    [[{ graph: 'g', nodes: [] }], 'GRAPH_INVALID', /it has no nodes/],
    [
      [
        {
          graph: 'g',
          nodes: [
            { ...node, needs: ['b'] },
            { ...node, name: 'b', needs: ['a'] },
          ],
        },
      ],
      'GRAPH_INVALID',
      /in a circle: `a` needs `b` needs `a`/,
    ],
    [[{ graph: 'g', nodes: [{ ...node, taskQueue: '' }] }], 'GRAPH_INVALID', /it has no task queue/],
    [[{ graph: 'g', nodes: [node], maxParallel: 0 }], 'GRAPH_INVALID', /`maxParallel`/],
    [[{ graph: 'g', nodes: [node], owner: 7 }], 'GRAPH_INVALID', /`owner`/],
    [[{ graph: 'g', nodes: [node], known: [{ name: 'a', state: 'done' }] }], 'GRAPH_INVALID', /`known`/],
    [
      [{ graph: 'g', nodes: [node], output: { lockkeeperResultOf: 'z' } }],
      'GRAPH_INVALID',
      /it gives the result of `z`/,
    ],
  ])('%j', async (args, type, message) => {
    const handle = await scene.temporal.client.workflow.start('jobGraph', {
      workflowId: `hand-${randomUUID()}`,
      taskQueue: 'reports',
      args,
    });
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type, message: expect.stringMatching(message) as string },
    });
    if (/circle/.test(message.source)) await scene.record('job-graph-refused', handle.workflowId);
  });

  test('with a graph that can be run, it runs', async () => {
    const plain: GraphWorkflowInput = {
      graph: 'by hand',
      nodes: [
        { ...node, input: { to: 1, everyMs: 1 } },
        { ...node, name: 'b', needs: ['a'], input: { to: 1, everyMs: 1 } },
      ],
    };
    const handle = await scene.temporal.client.workflow.start('jobGraph', {
      workflowId: 'by-hand',
      taskQueue: 'reports',
      args: [plain],
    });
    expect(await handle.result()).toEqual({});
    expect(await effects(scene, 'by-hand')).toEqual(['a 0', 'b 0']);
  });

  test('signals of any shape change nothing', async () => {
    const run = await scene.graphs.start(waiting, undefined, { id: 'signalled' });
    await untilStates(run, { told: 'running', first: 'done' });
    for (const signal of [
      undefined,
      null,
      7,
      {},
      { node: 'nobody', phase: 'quarantined' },
      { node: 'first', phase: 'quarantined' },
      { node: 'told', phase: 'failed' },
    ])
      await workflow('signalled').signal('nodePhase', signal);
    await mend(scene, 'signalled/told');
    await run.result();
    await eventually(async () =>
      expect(await states(run)).toEqual({ first: 'done', told: 'done', report: 'done', other: 'done' }),
    );
  });
});

test('graphs are listed by name and owner, their jobs with them', async () => {
  const run = await scene.graphs.start(nightly, input, { id: 'owned', owner: "o'neill" });
  await run.result();
  await eventually(async () =>
    expect(await scene.graphs.list({ owner: "o'neill" })).toMatchObject([
      { id: 'owned', name: 'nightly', taskQueue: 'reports', state: 'done', nodes: 2, done: 2 },
    ]),
  );
  expect((await scene.graphs.list({ name: 'partly', limit: 1 })).map(({ name }) => name)).toEqual(['partly']);
  expect((await run.jobs(['report', 'mirror a'])).get('mirror a')).toMatchObject({
    workflowId: 'owned/mirror a',
    state: 'done',
  });
});
