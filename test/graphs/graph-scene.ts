import { expect } from 'vitest';
import type { GraphHandle } from '../../src/client/graph-handle.ts';
import type { NodeState } from '../../src/protocol.ts';
import type { Encryption } from '../../src/crypto/encryption.ts';
import { EFFECT_TABLE } from '../app/count-job.ts';
import { MENDED_TABLE } from '../app/graph-jobs.ts';
import { eventually } from '../support/eventually.ts';
import { openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

/** A scene with the tables that the jobs of `test/app/graph-jobs` write to. */
export async function openGraphScene(encryption?: Encryption): Promise<Scene> {
  const scene = await openScene(encryption);
  await scene.ledger.pool.query(`${EFFECT_TABLE}; ${MENDED_TABLE}`);
  return scene;
}

/** What a graph's jobs have written, as `node number`, each as often as it was written. */
export async function effects(scene: Scene, graph: string): Promise<string[]> {
  const { rows } = await scene.ledger.pool.query<{ job: string; n: number }>(
    'select job, n from effect where starts_with(job, $1) order by job, n, at',
    [`${graph}/`],
  );
  return rows.map(({ job, n }) => `${job.slice(graph.length + 1)} ${n}`);
}

/** Lets `untilTold` end, and `fragile` succeed. */
export const mend = (scene: Scene, job: string) => scene.ledger.pool.query('insert into mended values ($1)', [job]);

/** The states of a graph's nodes. */
export async function states(run: GraphHandle): Promise<Record<string, NodeState>> {
  return Object.fromEntries((await run.status()).nodes.map(({ name, state }) => [name, state]));
}

/** Resolves when these nodes are in these states. */
export const untilStates = (run: GraphHandle, wanted: Record<string, NodeState>) =>
  eventually(async () => expect(await states(run)).toMatchObject(wanted), { within: 20_000 });

/** Every number was written once, from 0 on. */
export async function expectCountedOnce(scene: Scene, graph: string, node: string): Promise<void> {
  const all = (await effects(scene, graph))
    .filter((one) => one.startsWith(`${node} `))
    .map((one) => Number(one.slice(node.length + 1)));
  expect(all.length).toBeGreaterThan(0);
  expect(all).toEqual(all.map((_, n) => n));
}
