import { setTimeout as delay } from 'node:timers/promises';
import type { OwnServers } from './own-servers.ts';
import type { Place } from './place.ts';

export interface Fault {
  readonly what: string;
  happens(place: Place, servers: OwnServers): Promise<void>;
}

const AWAY_FOR = 2_000;
export const FAULTS: readonly Fault[] = [
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
