import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Failpoint } from '../../src/failpoints.ts';
import { count, stubborn } from '../app/count-job.ts';
import { expectLaws, expectOnce } from '../faults/laws.ts';
import { Place } from '../faults/place.ts';
import { atEnd } from '../support/at-end.ts';
import { openScene } from '../support/scene.ts';

export const ACTIONS = ['kill', 'stop', 'error'] as const;
export type Action = (typeof ACTIONS)[number];

/** A frozen process goes on after 20 s; then it has a moment to do what it should not. */
const THAWED_AFTER = 22_000;
const ITEMS = 250;
const DEPLOYS = ['first', 'second'];

/**
 * Two jobs, two deploys, two workers and two deploy workers, of which one meets the fault once; whoever dies is started
 * again. Then the laws are checked from what is left.
 */
export async function visit(name: Failpoint, action: Action): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-failpoint-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const visited = path.join(folder, 'visited');
  const place = await Place.open(await openScene(), { LOCKKEEPER_FAILPOINT: `${name}:${action}:${visited}` });
  const { scene } = place;
  await place.start('worker', 'worker', 'deploy-worker', 'deploy-worker');
  await scene.jobs.start(count, { to: ITEMS, everyMs: 8 }, { id: 'count' });
  await scene.jobs.start(stubborn, { rounds: 150, everyMs: 20 }, { id: 'stubborn' });
  await place.goesOn('count');
  // Only who has a job is declared gone with something to tell.
  if (name === 'watch.declared') await killHolder(place);
  for (const id of DEPLOYS) await place.request(id);

  const outcomes = [await place.outcome('first'), await place.outcome('second')];
  for (const id of ['count', 'stubborn']) await scene.temporal.client.workflow.result(id);
  expect(existsSync(visited), `${name} was visited`).toBe(true);
  if (action === 'stop') await delay(Math.max(0, (await stat(visited)).mtimeMs + THAWED_AFTER - Date.now()));
  await place.stop();
  expect(await place.numbers('count')).toHaveLength(ITEMS);
  await expectOnce(place, 'count');
  await expectLaws(place, DEPLOYS);
  // Nobody decides about a step in doubt: it is undone, and that is the last that is done.
  for (const [i, id] of DEPLOYS.entries()) {
    if (outcomes[i] !== 'succeeded')
      expect(place.commandLines.filter((line) => line.startsWith(id)).at(-1)).toBe(`${id} is undone`);
  }
}

async function killHolder(place: Place): Promise<void> {
  const [holder] = await place.rows<{ pid: number }>(`select pid from lockkeeper.jobs where workflow_id = 'count'`);
  process.kill(holder!.pid, 'SIGKILL');
}
