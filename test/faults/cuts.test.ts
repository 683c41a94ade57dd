import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { countUntilTold } from '../app/count-job.ts';
import { LedgerProxy } from '../support/ledger-proxy.ts';
import { openScene } from '../support/scene.ts';
import { expectLaws, expectOnce } from './laws.ts';
import { Place } from './place.ts';

/** It passes bytes; which protocol they are of does not matter. */
async function temporalProxy(address: string): Promise<{ proxy: LedgerProxy; address: string }> {
  const proxy = await LedgerProxy.start(`tcp://${address}/`);
  return { proxy, address: new URL(proxy.databaseUrl).host };
}

test.each([
  { between: 'the processes and Postgres', seconds: 5 },
  { between: 'the processes and Temporal', seconds: 5 },
  { between: 'the processes and both', seconds: 5 },
  { between: 'the processes and Postgres', seconds: 60 },
])(
  'connections between $between are cut for $seconds s in the middle of a deploy',
  async ({ between, seconds }) => {
    const scene = await openScene();
    const ledger = await LedgerProxy.start(scene.ledger.databaseUrl);
    const temporal = await temporalProxy(scene.temporal.address);
    const place = await Place.open(scene, { DATABASE_URL: ledger.databaseUrl, TEMPORAL_ADDRESS: temporal.address });
    await place.start('worker', 'worker', 'deploy-worker');
    const cut = [
      ...(between.includes('Temporal') || between.includes('both') ? [temporal.proxy] : []),
      ...(between.includes('Postgres') || between.includes('both') ? [ledger] : []),
    ];
    expect(cut).not.toEqual([]);
    await place.scene.jobs.start(countUntilTold, undefined, { id: 'job' });
    await place.goesOn('job');
    for (const proxy of cut) proxy.goAway();
    await delay(seconds * 500);
    for (const proxy of cut) proxy.comeBack();
    await place.goesOn('job');
    await place.request('first');
    for (const proxy of cut) proxy.goAway();
    await delay(seconds * 1_000);
    for (const proxy of cut) proxy.comeBack();
    expect(['succeeded', 'rolledBack', 'failed']).toContain(await place.outcome('first'));
    await place.goesOn('job');
    await place.request('second');
    expect(await place.outcome('second')).toBe('succeeded');
    await place.rows(`insert into effect (job, n, build) values ('job', -1, 'told')`);
    await place.scene.jobs.handle('job').result();
    await expectOnce(place, 'job');
    await place.stop();
    await expectLaws(place, ['first', 'second']);
  },
  300_000,
);
