import { setTimeout as delay } from 'node:timers/promises';
import { defineJob, jobGraph } from '../../src/index.ts';

/** Writes 0 … to-1, one a transaction, `everyMs` apart, and gives what it wrote. */
const counting = <const N extends string>(name: N, taskQueue: string) =>
  defineJob({
    name,
    taskQueue,
    heartbeatTimeout: '4s',
    state: { initial: { at: 0 } },
    async *run(job, input: { to: number; everyMs: number }) {
      for (let at = job.state.at; at < input.to; at += 1) {
        yield* job.transaction(async (sql, save) => {
          await sql.query('insert into effect (job, n, build) values ($1, $2, $3)', [
            job.id,
            at,
            process.env['BUILD'] ?? 'v1',
          ]);
          save({ at: at + 1 });
        });
        job.progress(at + 1, input.to);
        await delay(input.everyMs);
      }
      return { counted: input.to };
    },
  });

export const mirror = counting('mirror', 'mirrors');
/** The same on the queue that `mirrors` feeds. */
export const tally = counting('tally', 'reports');

/** Adds up what others counted. */
export const report = defineJob({
  name: 'report',
  taskQueue: 'reports',
  state: { initial: { done: false } },
  parseInput(value: unknown): { title: string; counts: { counted: number }[] } {
    const { title, counts } = value as { title: string; counts: { counted: number }[] };
    if (!Array.isArray(counts) || counts.some((count) => typeof count.counted !== 'number'))
      throw new Error('no counts');
    return { title, counts };
  },
  async *run(job, { title, counts }) {
    const total = counts.reduce((sum, { counted }) => sum + counted, 0);
    if (!job.state.done)
      yield* job.transaction(async (sql, save) => {
        await sql.query('insert into effect (job, n, build) values ($1, $2, $3)', [job.id, total, 'v1']);
        save({ done: true });
      });
    return `${title}: ${total}`;
  },
});

/** Fails until the table `mended` has its id. */
export const fragile = defineJob({
  name: 'fragile',
  taskQueue: 'mirrors',
  retry: { maximumAttempts: 1 },
  state: { initial: { at: 0 } },
  async *run(job, input: { why: string }) {
    const mended = yield* job.transaction(async (sql, save) => {
      save({ at: job.state.at + 1 });
      const { rowCount } = await sql.query('select from mended where job = $1', [job.id]);
      return (rowCount ?? 0) > 0;
    });
    if (!mended) throw new Error(input.why);
    return { counted: 1 };
  },
});

/** Counts until the table `mended` has its id; as long as the test needs it, however slow the machine is. */
export const untilTold = defineJob({
  name: 'untilTold',
  taskQueue: 'mirrors',
  heartbeatTimeout: '4s',
  state: { initial: { at: 0 } },
  async *run(job) {
    for (let told = false; !told;) {
      const { at } = job.state;
      told = yield* job.transaction(async (sql, save) => {
        await sql.query('insert into effect (job, n, build) values ($1, $2, $3)', [
          job.id,
          at,
          process.env['BUILD'] ?? 'v1',
        ]);
        save({ at: at + 1 });
        const { rowCount } = await sql.query('select from mended where job = $1', [job.id]);
        return (rowCount ?? 0) > 0;
      });
      await delay(20, undefined, { signal: job.cancellationSignal }).catch(() => undefined);
    }
    return { counted: job.state.at };
  },
  async *onCancel(job) {
    yield* job.transaction(async (sql, save) => {
      await sql.query('insert into effect (job, n, build) values ($1, -1, $2)', [job.id, 'compensated']);
      save(job.state);
    });
  },
});

/** Gives as many bytes as it is told. */
export const large = defineJob({
  name: 'large',
  taskQueue: 'mirrors',
  async *run(_job, input: { bytes: number }) {
    yield undefined;
    return { counted: 7, filling: 'x'.repeat(input.bytes) };
  },
});

/** Mirrors, then a report of them. */
export const nightly = jobGraph({
  name: 'nightly',
  taskQueue: 'reports',
  nodes(graph, { repos, to, everyMs }: { repos: string[]; to: number; everyMs: number }) {
    const mirrors = repos.map((repo) => graph.node(`mirror ${repo}`, mirror, { to, everyMs }));
    const written = graph.node('report', report, { title: 'counted', counts: mirrors.map(({ result }) => result) });
    return { report: written.result, repos };
  },
});

/** One of three cannot be done; one more needs it, and one more needs that. */
export const partly = jobGraph({
  name: 'partly',
  taskQueue: 'reports',
  nodes(graph) {
    const good = graph.node('good', mirror, { to: 3, everyMs: 1 });
    const bad = graph.node('bad', fragile, { why: 'the disk is full' });
    const after = graph.node('after', report, { title: 'after', counts: [bad.result] });
    graph.node('last', mirror, { to: 1, everyMs: 1 }, { needs: [after] });
    const alone = graph.node('alone', report, { title: 'alone', counts: [good.result] });
    return { alone: alone.result, after: after.result };
  },
});

/** `report` needs a small and a large result, and one that comes when it is told to. */
export const waiting = jobGraph({
  name: 'waiting',
  taskQueue: 'reports',
  nodes(graph) {
    const first = graph.node('first', large, { bytes: 1_000_000 });
    const told = graph.node('told', untilTold);
    const written = graph.node('report', report, { title: 'waited', counts: [first.result, told.result] });
    graph.node('other', mirror, { to: 2, everyMs: 1 }, { needs: ['told'] });
    return { first: first.result, report: written.result };
  },
});

/** Many that need nothing, two at once. */
export const narrow = jobGraph({
  name: 'narrow',
  taskQueue: 'reports',
  maxParallel: 2,
  nodes(graph, { nodes }: { nodes: number }) {
    const all = Array.from({ length: nodes }, (_, i) => graph.node(`n${i}`, mirror, { to: 2, everyMs: 30 }));
    return all.map(({ result }) => result);
  },
});

/** Two long nodes on each queue, of which the second needs the first of the other. */
export const across = jobGraph({
  name: 'across',
  taskQueue: 'reports',
  nodes(graph, input: { to: number; everyMs: number }) {
    const fetched = graph.node('fetched', mirror, input);
    const tallied = graph.node('tallied', tally, input);
    const second = graph.node('fetched again', mirror, input, { needs: [tallied] });
    const last = graph.node('tallied again', tally, input, { needs: [fetched] });
    const written = graph.node('report', report, { title: 'all', counts: [second.result, last.result] });
    return { report: written.result };
  },
});

export const ALL_JOBS = [mirror, tally, report, fragile, untilTold, large];
/** What the jobs above ask whether they may end, or need not fail any more. */
export const MENDED_TABLE = 'create table mended (job text not null)';
