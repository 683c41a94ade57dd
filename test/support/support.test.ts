import { expect, inject, test } from 'vitest';
import { eventually } from './eventually.ts';
import { freshLedger } from './fresh-ledger.ts';
import { freshNamespace } from './fresh-namespace.ts';
import { LedgerProxy } from './ledger-proxy.ts';
import { Processes } from './processes.ts';

test('a fresh namespace can be used at once, by its search attributes too', async () => {
  const { client, clusterId, namespace, env } = await freshNamespace();
  const started = await client.workflow.start('nobodyRunsThis', {
    workflowId: 'w',
    taskQueue: 'q',
    searchAttributes: { LockkeeperKind: ['job'] },
  });
  expect(started.workflowId).toBe('w');
  expect(env).toEqual({ TEMPORAL_ADDRESS: inject('temporalAddress'), TEMPORAL_NAMESPACE: namespace });
  expect(clusterId).not.toBe('');
  await eventually(async () =>
    expect(await client.workflow.count(`LockkeeperKind = 'job'`)).toMatchObject({ count: 1 }),
  );
});

test('a fresh ledger has the schema and no rows, and is not that of another test', async () => {
  const [one, other] = [await freshLedger(), await freshLedger()];
  await one.pool.query(`insert into lockkeeper._gates (namespace, task_queue, environment) values ('n', 'q', 'e')`);
  expect((await other.pool.query('select * from lockkeeper._gates')).rowCount).toBe(0);
});

test('a proxy that is away refuses, and lets through again when it is back', async () => {
  const direct = await freshLedger();
  const proxy = await LedgerProxy.start(direct.databaseUrl);
  const ledger = await freshLedger({ databaseUrl: proxy.databaseUrl });
  const ask = () => ledger.pool.query('select 1 as one');
  expect((await ask()).rows).toEqual([{ one: 1 }]);
  proxy.goAway();
  await expect(ask()).rejects.toThrow();
  proxy.comeBack();
  expect((await ask()).rows).toEqual([{ one: 1 }]);
});

test('a process is waited for by what it writes and by its end, and its children are known', async () => {
  const processes = new Processes();
  const shell = processes.spawn(['sh', '-c', 'echo one; sleep 60 & echo two >&2; wait']);
  expect(await shell.waitForLine(/^o/)).toBe('one');
  expect(await shell.waitForLine(/tw/)).toBe('two');
  await expect(shell.waitForLine(/three/, { within: 50 })).rejects.toThrow(/three.*50 ms were over.*stdout:\none/s);
  expect(processes.running()).toHaveLength(2);
  for (const pid of processes.running()) process.kill(pid, 'SIGTERM');
  expect(await shell.ended()).toEqual({ code: null, signal: 'SIGTERM' });
  await expect(shell.waitForLine(/three/)).rejects.toThrow(/it ended/);
});

test('eventually gives up on an attempt that does not end, and says what was wrong before', async () => {
  let tries = 0;
  const work = eventually(
    async () => {
      tries += 1;
      if (tries === 1) throw new Error('not yet');
      await new Promise(() => undefined);
    },
    { within: 100 },
  );
  await expect(work).rejects.toThrow('not within 100 ms: not yet');
  expect(tries).toBe(2);
});
