import { expect, test } from 'vitest';
import { atomic, stateful, stateless } from './app/jobs.ts';
import { Place } from './place.ts';

const place = await Place.open();

interface Told {
  readonly job: string;
  readonly state: string;
  /** How often it began, and with which builds. */
  readonly begun: number;
  readonly builds: string;
  /** Items done, and how many different ones. */
  readonly items: number;
  readonly different: number;
}

/** All jobs that were started, whether anything is known of them or not. */
const table = async (ids: readonly string[]) =>
  (
    await place.scene.ledger.pool.query<Told>(
      `select s.job, j.state,
         count(*) filter (where m.what like 'begin%')::int as begun,
         string_agg(distinct m.build, ', ' order by m.build) as builds,
         count(*) filter (where m.what like 'item%' or m.what = 'end')::int as items,
         count(distinct m.what) filter (where m.what like 'item%' or m.what = 'end')::int as different
       from unnest($1::text[]) with ordinality as s (job, place)
       left join lockkeeper.jobs j on j.workflow_id = s.job left join mark m on m.job = s.job
       group by s.job, s.place, j.state order by s.place`,
      [ids],
    )
  ).rows;

test('a whole deploy that replaces all workers, over jobs of every kind: none is lost, none is done twice', async () => {
  await place.workers(2);
  const old = [...place.running];
  const running = ['stateful-1', 'stateful-2', 'stateless-1', 'stateless-2', 'atomic-1', 'atomic-2'];
  for (const id of running.slice(0, 2)) await place.start(stateful, id, { items: 150 });
  for (const id of running.slice(2, 4)) await place.start(stateless, id, { items: 150 });
  for (const id of running.slice(4)) await place.start(atomic, id, undefined);
  for (const id of running) await place.reached(id, id.startsWith('atomic') ? 'begin' : 'item 5');

  await place.begin('release');
  // The drain waits for the atomic ones; what comes now waits behind the gate.
  const pending = ['pending-stateful', 'pending-stateless', 'pending-atomic'];
  await place.start(stateful, pending[0]!, { items: 5 });
  await place.start(stateless, pending[1]!, { items: 5 });
  await place.tell(pending[2]!);
  await place.start(atomic, pending[2]!, undefined);
  for (const id of running.slice(4)) await place.tell(id);
  await place.reaches('release', 500);
  const fresh = [place.startWorker({ build: 'v2' }), place.startWorker({ build: 'v2' })];
  await place.stopWorkers(old);
  await Promise.all(fresh);
  await place.finish('release');

  const all = [...running, ...pending];
  for (const id of all) expect(await place.result(id)).toBe('done');
  const told = await table(all);
  const begunAgain = { state: 'done', begun: 2, builds: 'v1, v2' };
  const once = { state: 'done', begun: 1 };
  expect(told).toEqual([
    { job: 'stateful-1', ...begunAgain, items: 150, different: 150 },
    { job: 'stateful-2', ...begunAgain, items: 150, different: 150 },
    // From its input, all of it: what it had done before does not count.
    { job: 'stateless-1', ...begunAgain, items: expect.any(Number) as number, different: 150 },
    { job: 'stateless-2', ...begunAgain, items: expect.any(Number) as number, different: 150 },
    { job: 'atomic-1', ...once, builds: 'v1', items: 1, different: 1 },
    { job: 'atomic-2', ...once, builds: 'v1', items: 1, different: 1 },
    { job: 'pending-stateful', ...once, builds: 'v2', items: 5, different: 5 },
    { job: 'pending-stateless', ...once, builds: 'v2', items: 5, different: 5 },
    { job: 'pending-atomic', ...once, builds: 'v2', items: 1, different: 1 },
  ]);
  for (const id of all) expect(await place.scene.costOf(id)).toEqual({ attempts: 0, failures: 0 });
  const { rows } = await place.scene.ledger.pool.query('select count(*)::int as jobs from lockkeeper.jobs');
  expect(rows).toEqual([{ jobs: all.length }]);
}, 180_000);
