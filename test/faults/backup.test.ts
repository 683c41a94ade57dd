import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { countUntilTold } from '../app/count-job.ts';
import { databaseUrlOf } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { openScene } from '../support/scene.ts';
import { CONFIG, Place, WITHIN } from './place.ts';

/** Copies a database as it is now, or puts one in the place of another. Whoever is connected is thrown out. */
async function copyDatabase(url: string, act: (name: string, copy: string) => string[], copy: string): Promise<void> {
  const name = new URL(url).pathname.slice(1);
  const admin = new pg.Client({ connectionString: databaseUrlOf(url, 'postgres') });
  await admin.connect();
  try {
    await admin.query(`alter database ${name} with allow_connections false`);
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    await eventually(async () => {
      for (const text of act(name, copy)) await admin.query(text);
    });
  } finally {
    await admin.query(`alter database ${name} with allow_connections true`);
    await admin.end();
  }
}

test('a ledger restored from an older backup: the job waits for a person, says why, and goes on from there when released', async () => {
  const scene = await openScene();
  const place = await Place.open(scene);
  await place.start('worker', 'deploy-worker');
  await scene.jobs.start(countUntilTold, undefined, { id: 'job' });
  await place.goesOn('job');
  const copy = `backup_${randomUUID().replaceAll('-', '')}`;
  await copyDatabase(scene.ledger.databaseUrl, (name, to) => [`create database ${to} template ${name}`], copy);
  await place.goesOn('job');
  // The workflow hears of a checkpoint after the backup.
  await place.request('after-the-backup');
  expect(await place.outcome('after-the-backup')).toBe('succeeded');
  await place.goesOn('job');
  await copyDatabase(
    scene.ledger.databaseUrl,
    (name, from) => [`drop database ${name}`, `alter database ${from} rename to ${name}`],
    copy,
  );

  const job = () => scene.jobs.handle('job').row();
  await eventually(async () => expect(await job()).toMatchObject({ state: 'quarantined' }), { within: WITHIN });
  expect((await job())?.reason).toContain('the ledger was restored from an older backup');
  const released = place.run('job', 'release', 'job', '--continue');
  expect(await released.ended()).toMatchObject({ code: EXIT.ok });
  await place.goesOn('job');
  await place.rows(`insert into effect (job, n, build) values ('job', -1, 'told')`);
  await scene.jobs.handle('job').result();
  // Effects and places were in one database, and so were put back together.
  const done = await place.numbers('job');
  expect(done).toEqual(done.map((_, n) => n));
}, 200_000);

test.each(['worker', 'deploy-worker'])(
  'a %s pointed at the ledger of another namespace refuses to start, with words',
  async (command) => {
    const place = await Place.open(await openScene());
    await place.start('deploy-worker');
    const other = await openScene();
    const mixed = await Place.open(other, { DATABASE_URL: place.scene.ledger.databaseUrl });
    const refused = mixed.run(command, '--config', CONFIG);
    expect(await refused.ended()).toMatchObject({ code: EXIT.usage });
    expect(refused.stderr).toContain('this ledger belongs to Temporal cluster');
    expect(refused.stderr).toContain('correct TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE or DATABASE_URL');
  },
  60_000,
);
