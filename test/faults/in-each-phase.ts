import { expect } from 'vitest';
import { countUntilTold } from '../app/count-job.ts';
import { expectLaws, expectOnce } from './laws.ts';
import { OwnServers } from './own-servers.ts';
import { ALL_PHASES, deployUntil } from './phases.ts';
import { Place } from './place.ts';
import type { Fault } from './server-faults.ts';

/** The fault in each phase of a deploy: every deploy ends, and nothing is lost, done twice, or left closed. */
export async function inEachPhase(fault: Fault): Promise<void> {
  const servers = await OwnServers.start();
  const place = await Place.open(await servers.scene());
  await place.start('worker', 'worker', 'deploy-worker', 'deploy-worker');
  await place.scene.jobs.start(countUntilTold, undefined, { id: 'job' });
  await place.goesOn('job');
  const deploys = ALL_PHASES.map((phase) => phase.replaceAll(' ', '-'));
  for (const [i, phase] of ALL_PHASES.entries()) {
    await deployUntil(place, deploys[i]!, phase);
    await fault.happens(place, servers);
    expect(['succeeded', 'rolledBack', 'failed']).toContain(await place.outcome(deploys[i]!));
    await place.goesOn('job');
  }
  await place.rows(`insert into effect (job, n, build) values ('job', -1, 'told')`);
  await place.scene.jobs.handle('job').result();
  await expectOnce(place, 'job');
  await place.stop();
  await expectLaws(place, deploys);
}
