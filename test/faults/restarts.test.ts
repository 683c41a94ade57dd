import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { countUntilTold } from '../app/count-job.ts';
import { expectLaws, expectOnce } from './laws.ts';
import { OwnServers } from './own-servers.ts';
import { ALL_PHASES, deployUntil } from './phases.ts';
import { Place } from './place.ts';

interface Fault {
  readonly what: string;
  happens(place: Place, servers: OwnServers): Promise<void>;
}

const AWAY_FOR = 2_000;
const FAULTS: readonly Fault[] = [
  {
    what: 'Temporal is killed',
    async happens(_, servers) {
      servers.killTemporal();
      await delay(AWAY_FOR);
      await servers.temporalComesBack();
    },
  },
  {
    what: 'Postgres is killed',
    async happens(_, servers) {
      servers.killPostgres();
      await delay(AWAY_FOR);
      await servers.postgresComesBack();
    },
  },
  {
    what: 'Temporal and Postgres are killed together',
    async happens(_, servers) {
      servers.killTemporal();
      servers.killPostgres();
      await servers.postgresComesBack();
      await servers.temporalComesBack();
    },
  },
  {
    what: 'all deploy workers are killed',
    async happens(place) {
      place.kill('deploy-worker');
    },
  },
  {
    what: 'everything is killed at once',
    async happens(place, servers) {
      place.kill('deploy-worker');
      place.kill('worker');
      servers.killTemporal();
      servers.killPostgres();
      await servers.postgresComesBack();
      await servers.temporalComesBack();
    },
  },
];

test.each(FAULTS)(
  '$what in each phase of a deploy: every deploy ends, and nothing is lost, done twice, or left closed',
  async ({ happens }) => {
    const servers = await OwnServers.start();
    const place = await Place.open(await servers.scene());
    await place.start('worker', 'worker', 'deploy-worker', 'deploy-worker');
    await place.scene.jobs.start(countUntilTold, undefined, { id: 'job' });
    await place.goesOn('job');
    const deploys = ALL_PHASES.map((phase) => phase.replaceAll(' ', '-'));
    for (const [i, phase] of ALL_PHASES.entries()) {
      await deployUntil(place, deploys[i]!, phase);
      await happens(place, servers);
      expect(['succeeded', 'rolledBack', 'failed']).toContain(await place.outcome(deploys[i]!));
      await place.goesOn('job');
    }
    await place.rows(`insert into effect (job, n, build) values ('job', -1, 'told')`);
    await place.scene.jobs.handle('job').result();
    await expectOnce(place, 'job');
    await place.stop();
    await expectLaws(place, deploys);
  },
  400_000,
);
