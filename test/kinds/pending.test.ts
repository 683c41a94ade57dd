import { expect, test } from 'vitest';
import { z } from 'zod';
import { Job, ShownJob } from '../../src/cli/json/jobs.ts';
import { atomic, stateful, stateless } from './app/jobs.ts';
import { Place, items } from './place.ts';

const place = await Place.open();

const listed = async () => z.array(Job).parse(JSON.parse(await place.lockkeeper('job', 'list', '--json')));
const opened = async (deploy: string) => {
  const { rows } = await place.scene.ledger.pool.query<{ at: Date }>(
    `select at from lockkeeper.events where deploy = $1 and event = 'gateOpened'`,
    [deploy],
  );
  return rows[0]!.at.getTime();
};
const firstClaim = async (job: string) => (await place.scene.jobs.handle(job).row())!.createdAt.getTime();

/** One of each kind, that has nothing to wait for. */
async function startOfEachKind(prefix: string): Promise<string[]> {
  await place.start(stateful, `${prefix}-stateful`, { items: 5 });
  await place.start(stateless, `${prefix}-stateless`, { items: 5 });
  await place.tell(`${prefix}-atomic`);
  await place.start(atomic, `${prefix}-atomic`, undefined);
  return [`${prefix}-stateful`, `${prefix}-stateless`, `${prefix}-atomic`];
}

async function expectOnce(ids: readonly string[]): Promise<void> {
  for (const id of ids) expect(await place.result(id)).toBe('done');
  expect(await place.marks(ids[0]!)).toEqual(['begin at 0', ...items(0, 5)]);
  expect(await place.marks(ids[1]!)).toEqual(['begin', ...items(0, 5)]);
  expect(await place.marks(ids[2]!)).toEqual(['begin', 'end']);
  for (const id of ids) expect(await place.scene.costOf(id)).toEqual({ attempts: 0, failures: 0 });
}

test('jobs of every kind that are started while the gate is closed wait behind it, say so, and begin once after it opens', async () => {
  await place.workers(1);
  await place.begin('first');
  const ids = await startOfEachKind('late');
  await place.reaches('first', 500);
  const rows = (await listed()).filter((row) => ids.includes(row.workflowId));
  expect(rows).toHaveLength(3);
  for (const row of rows) expect(row).toMatchObject({ state: 'pending', gateClosedBy: 'first' });
  expect(await place.lockkeeper('job', 'list')).toContain('waits behind the gate that deploy first closed');
  expect(await place.lockkeeper('job', 'show', 'late-stateful')).toContain(
    'late-stateful: not begun yet, waits behind the gate that deploy first closed',
  );
  const shown: unknown = JSON.parse(await place.lockkeeper('job', 'show', 'late-stateful', '--json'));
  expect(ShownJob.parse(shown)).toMatchObject({ gateClosedBy: 'first' });
  expect(await place.scene.jobs.handle('late-atomic').describe()).toMatchObject({
    state: 'pending',
    gateClosedBy: 'first',
  });
  for (const id of ids) expect(await place.marks(id)).toEqual([]);

  await place.finish('first');
  await expectOnce(ids);
  for (const id of ids) expect(await firstClaim(id)).toBeGreaterThanOrEqual((await opened('first')) - 1_000);
  for (const row of await listed()) expect(row.gateClosedBy).toBeUndefined();
}, 120_000);

test('a job that has begun and waits behind the gate says so as well', async () => {
  await place.workers(1);
  await place.start(stateful, 'begun', { items: 200 });
  await place.reached('begun', 'item 5');
  await place.begin('second');
  await place.reaches('second', 500);
  expect(await place.scene.jobs.handle('begun').describe()).toMatchObject({
    state: 'interrupted',
    gateClosedBy: 'second',
  });
  expect(await place.lockkeeper('board', '--environment', 'test')).toMatch(
    /begun .*waits behind the gate that deploy second closed/,
  );
  await place.finish('second');
  expect(await place.result('begun')).toBe('done');
}, 120_000);

test('all workers killed and started anew while jobs wait behind the gate: none is lost, none begins before it opens', async () => {
  await place.workers(1);
  await place.begin('third');
  const ids = await startOfEachKind('orphaned');
  for (const worker of place.running) {
    worker.kill('SIGKILL');
    await worker.ended();
  }
  await place.workers(1, { build: 'v2' });
  for (const id of ids) expect(await place.marks(id)).toEqual([]);
  await place.finish('third');
  await expectOnce(ids);
}, 120_000);

test('queued behind a busy worker: they wait their turn, then behind the gate, and begin once', async () => {
  await place.stopWorkers();
  await place.workers(1, { config: 'busy' });
  await place.start(stateful, 'busy', { items: 200 });
  await place.reached('busy', 'item 5');
  const ids = await startOfEachKind('queued');
  // Nobody has closed anything: they wait for the worker alone.
  for (const row of await listed())
    if (ids.includes(row.workflowId))
      expect({ state: row.state, behind: row.gateClosedBy }).toEqual({ state: 'pending' });
  await place.begin('fourth');
  await place.reaches('fourth', 500);
  for (const id of ids)
    expect(await place.scene.jobs.handle(id).describe()).toMatchObject({ state: 'pending', gateClosedBy: 'fourth' });
  for (const id of ids) expect(await place.marks(id)).toEqual([]);
  await place.finish('fourth');
  await expectOnce(ids);
  expect(await place.result('busy')).toBe('done');
}, 120_000);

test('a deploy that gives up at its deadline: what waited behind its gate begins when that opens', async () => {
  await place.stopWorkers();
  await place.workers(1);
  await place.start(stateful, 'deaf', { items: 5, holdAt: 2 });
  await place.reached('deaf', 'item 2');
  await place.begin('fifth', 'abort');
  const ids = await startOfEachKind('spared');
  expect(await place.end('fifth')).toMatchObject({ outcome: 'failed' });
  await expectOnce(ids);
  await place.tell('deaf');
  expect(await place.result('deaf')).toBe('done');
}, 120_000);
