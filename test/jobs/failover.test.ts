import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defineJob } from '../../src/jobs/index.ts';
import { readHead } from '../../src/ledger/checkpoints.ts';
import { isConnectionError } from '../../src/ledger/sql-errors.ts';
import { begin, claim, onConnection, openQueue } from '../support/claiming.ts';
import { eventually } from '../support/eventually.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { QUEUE, command, openScene } from '../support/scene.ts';

test('a ledger that is read-only for a while, as after a failover, is an interruption: no attempt is spent, nothing done twice', async () => {
  const scene = await openScene();
  await scene.ledger.pool.query('create table item (id integer)');
  const job = defineJob({
    name: 'items',
    taskQueue: QUEUE,
    checkpointEvery: 0,
    retry: { maximumAttempts: 1 },
    state: { initial: { at: 0 } },
    async *run(self) {
      while (self.state.at < 60) {
        const next = self.state.at + 1;
        await delay(20);
        if (next % 3 === 0) yield { at: next };
        else if (next % 3 === 1) yield* self.statement('insert into item (id) values ($1)', [next], { at: next });
        else
          yield* self.transaction(async (sql, save) => {
            await sql.query('insert into item (id) values ($1)', [next]);
            save({ at: next });
          });
      }
    },
  });
  await scene.startWorker([job]);
  await scene.startDeployWorker();
  const handle = await scene.jobs.start(job, undefined, { id: 'job' });
  await eventually(async () => expect((await handle.row())?.seq).toBeGreaterThan(10));
  const { rows } = await scene.ledger.pool.query<{ name: string }>('select quote_ident(current_database()) as name');
  const readOnly = async (how: 'on' | 'off') => {
    await scene.ledger.pool.query(
      `begin; set transaction read write; alter database ${rows[0]!.name} set default_transaction_read_only = ${how}; commit`,
    );
    await scene.ledger.pool.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
  };
  await readOnly('on');
  const end = scene.deploy('x').catch((error: unknown) => error);
  await delay(4_000);
  await readOnly('off');
  await handle.result();
  await end;
  const items = await scene.ledger.pool.query<{ id: number }>('select id from item order by id');
  expect(items.rows.map(({ id }) => id)).toEqual(
    Array.from({ length: 60 }, (_, i) => i + 1).filter((id) => id % 3 !== 0),
  );
  expect(await scene.costOf('job')).toEqual({ attempts: 0, failures: 0 });
  scene.planOf([command('one', 'true')]);
  expect(await scene.deploy('after')).toMatchObject({ outcome: 'succeeded' });
}, 90_000);

test('what a standby says of a save whose reply was lost is not believed', async () => {
  const ledger = await freshLedger();
  const { fence } = await claim(ledger, { taskQueue: await openQueue(ledger) });
  const session = await begin(ledger);
  expect(await readHead(onConnection(ledger, session), fence.key)).toMatchObject({ claim: fence.claim });
  await session.query('set transaction read only');
  await expect(readHead(onConnection(ledger, session), fence.key)).rejects.toSatisfy(isConnectionError);
});
