import { describe, expect, test } from 'vitest';
import { bindLedger } from '../../src/ledger/identity.ts';
import { migrateLedger } from '../../src/ledger/migrate.ts';
import { freshDatabase } from '../support/database.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { quietLog } from '../support/quiet-log.ts';

describe('binding', () => {
  test('the first cluster and namespace are written down, and found again by the same', async () => {
    const ledger = await freshLedger();
    const id = await bindLedger(ledger, 'cluster-1');
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await bindLedger(ledger, 'cluster-1')).toBe(id);
  });

  test.each([
    [
      'another cluster',
      'cluster-2',
      'one',
      /belongs to Temporal cluster cluster-1, namespace one; connected to cluster cluster-2, namespace one/,
    ],
    [
      'another namespace',
      'cluster-1',
      'two',
      /belongs to Temporal cluster cluster-1, namespace one; connected to cluster cluster-1, namespace two/,
    ],
  ])('%s is refused, and changes nothing', async (_, cluster, namespace, words) => {
    const first = await freshLedger({ namespace: 'one' });
    const id = await bindLedger(first, 'cluster-1');
    const other = await freshLedger({ databaseUrl: first.databaseUrl, namespace });
    const refusal = bindLedger(other, cluster);
    await expect(refusal).rejects.toMatchObject({ code: 'LEDGER_WRONG_CLUSTER' });
    await expect(refusal).rejects.toThrow(words);
    expect(await bindLedger(first, 'cluster-1')).toBe(id);
  });

  test('two clusters at once: exactly one has the ledger', async () => {
    const ledger = await freshLedger();
    const ends = await Promise.allSettled([bindLedger(ledger, 'cluster-1'), bindLedger(ledger, 'cluster-2')]);
    expect(ends.map((end) => end.status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('two ledgers have two ids', async () => {
    const [one, other] = [await freshLedger(), await freshLedger()];
    expect(await bindLedger(one, 'cluster-1')).not.toBe(await bindLedger(other, 'cluster-1'));
  });

  test('a database without the schema is refused, with what to do', async () => {
    const ledger = await freshLedger({ databaseUrl: await freshDatabase({ empty: true }) });
    const refusal = bindLedger(ledger, 'cluster-1');
    await expect(refusal).rejects.toMatchObject({ code: 'LEDGER_SCHEMA' });
    await expect(refusal).rejects.toThrow(/no lockkeeper schema.*lockkeeper ledger migrate/);
  });

  test('a schema with a breaking change that this code does not know is refused', async () => {
    const ledger = await freshLedger();
    await ledger.pool.query('update lockkeeper._ledger set breaking = 99');
    const refusal = bindLedger(ledger, 'cluster-1');
    await expect(refusal).rejects.toMatchObject({ code: 'LEDGER_SCHEMA' });
    await expect(refusal).rejects.toThrow(/breaking change 99, this code knows 1. Upgrade/);
  });
});

describe('migrating', () => {
  const applied = async (databaseUrl: string) => {
    const ledger = await freshLedger({ databaseUrl });
    const { rows } = await ledger.pool.query<{ name: string; run_on: Date }>(
      'select name, run_on from lockkeeper._migrations order by id',
    );
    return rows;
  };

  test('twice: the second time does nothing', async () => {
    const databaseUrl = await freshDatabase({ empty: true });
    await migrateLedger(databaseUrl, quietLog);
    const first = await applied(databaseUrl);
    expect(first.length).toBeGreaterThan(0);
    await migrateLedger(databaseUrl, quietLog);
    expect(await applied(databaseUrl)).toEqual(first);
  });

  test('by several at once: all succeed, each migration ran once', async () => {
    const databaseUrl = await freshDatabase({ empty: true });
    await Promise.all(Array.from({ length: 5 }, () => migrateLedger(databaseUrl, quietLog)));
    const names = (await applied(databaseUrl)).map((row) => row.name);
    expect(names).toEqual([...new Set(names)]);
    expect(names).toContain('001_ledger');
  });

  test('keeps what is in the ledger', async () => {
    const ledger = await freshLedger();
    const id = await bindLedger(ledger, 'cluster-1');
    await migrateLedger(ledger.databaseUrl, quietLog);
    expect(await bindLedger(ledger, 'cluster-1')).toBe(id);
  });

  test('a Postgres that does not answer is an error that says so', async () => {
    const refusal = migrateLedger('postgres://nobody@127.0.0.1:1/nothing', quietLog);
    await expect(refusal).rejects.toMatchObject({ code: 'LEDGER_UNREACHABLE' });
    await expect(refusal).rejects.toThrow(/does not answer.*DATABASE_URL/);
  });
});
