import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { isLockkeeperError } from '../../src/errors.ts';
import { eventually } from '../support/eventually.ts';
import { ENVIRONMENT, openScene } from '../support/scene.ts';
import { expectStrictOrder, orderInHistories } from './history-of-order.ts';
import { Place } from './place.ts';

interface ManyDeploys {
  readonly deploys: number;
  readonly clients: number;
  /** Deploys that end between two deaths, at least and at most: the slower the machine, the fewer deaths a minute. */
  readonly deathEvery: readonly [number, number];
  /** Milliseconds until all must have ended. */
  readonly within: number;
}

/** Many clients ask for deploys and approve those of others, while deploy workers are killed at random. */
export async function manyDeploys({ deploys, clients, deathEvery, within }: ManyDeploys): Promise<void> {
  const place = await Place.open(await openScene());
  await place.start('deploy-worker', 'deploy-worker');
  const ids = Array.from({ length: deploys }, (_, i) => `v${i}`);
  const killing = killAtRandom(place, deathEvery);
  const shares = Array.from({ length: clients }, (_, c) => ids.filter((_id, i) => i % clients === c));
  await Promise.all(shares.map((share, c) => client(place, `client-${c}`, `client-${(c + 1) % clients}`, share)));
  await eventually(async () => expect(await endedOf(place)).toBe(deploys), { within, every: 500 });
  const deaths = await killing.stop();
  expect(deaths).toBeGreaterThan(1);
  await place.stop();
  expectStrictOrder(await orderInHistories(place.scene), ids);
}

async function endedOf(place: Place): Promise<number> {
  const [row] = await place.rows<{ n: number }>(
    'select count(*)::integer as n from lockkeeper.deploys where environment = $1 and outcome is not null',
    [ENVIRONMENT],
  );
  return row!.n;
}

/** Asks for its deploys one after another; its neighbour approves them. */
async function client(place: Place, own: string, neighbour: string, ids: readonly string[]): Promise<void> {
  const { deploys } = place.scene;
  for (const id of ids) {
    await untilAnswered(() => deploys.request({ id, plan: 'approved', requestedBy: own }));
    await untilAnswered(() => deploys.order.approve({ deploy: id, by: neighbour }));
  }
}

/** As people and scripts do when nobody answers: the same again. That its turn has come says that it had been heard. */
async function untilAnswered(ask: () => Promise<unknown>): Promise<void> {
  await eventually(
    () =>
      ask().catch((error: unknown) => {
        if (!isLockkeeperError(error, 'DEPLOY_NOT_CURRENT')) throw error;
      }),
    { within: 120_000, every: 200 },
  );
}

function killAtRandom(place: Place, [least, most]: readonly [number, number]): { stop: () => Promise<number> } {
  const over = new AbortController();
  let deaths = 0;
  const killing = (async () => {
    for (let next = least; ; next += least + Math.floor(Math.random() * (most - least + 1))) {
      while ((await endedOf(place)) < next) await delay(50, undefined, { signal: over.signal });
      // Wherever in the deploys after it.
      await delay(Math.random() * 1_000, undefined, { signal: over.signal });
      const alive = place.processes('deploy-worker');
      alive[Math.floor(Math.random() * alive.length)]?.kill('SIGKILL');
      deaths += 1;
    }
  })().catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  return {
    async stop() {
      over.abort();
      await killing;
      return deaths;
    },
  };
}
