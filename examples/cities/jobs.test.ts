import { readFile } from 'node:fs/promises';
import { everyInterruption } from 'lockkeeper/testing';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase } from '../../test/support/database.ts';
import { BATCH, rangeOf } from './cities.ts';
import { countryStatistics, importCities } from './v1/jobs.ts';

const pool = new pg.Pool({ connectionString: await freshDatabase() });
beforeAll(async () => {
  await pool.query(await readFile(new URL('schema.sql', import.meta.url), 'utf8'));
});
afterAll(() => pool.end());

test('importCities writes each city once, whichever batch a deploy or a crash hits', async () => {
  // The last batches of a part are enough: all are alike.
  const { to } = rangeOf(0);
  const checked = await everyInterruption(
    importCities,
    { part: 0 },
    {
      database: pool,
      resumeFrom: { state: { row: to - 3 * BATCH } },
      reset: () => pool.query('truncate city'),
      outcome: async () => (await pool.query<{ n: number; name: string }>('select n, name from city order by n')).rows,
    },
  );
  expect(checked.checkpoints).toBe(3);
});

test('countryStatistics counts each country once', async () => {
  await pool.query(
    `insert into city values (1, 0, 'Lisbon', 'PT', 38.7, -9.1, 'v1'), (2, 0, 'Oslo', 'NO', 59.9, 10.7, 'v1')`,
  );
  await everyInterruption(
    countryStatistics,
    { countries: ['NO', 'PT'] },
    {
      database: pool,
      reset: () => pool.query('truncate country_statistics'),
      outcome: async () =>
        (await pool.query<{ cities: number }>('select * from country_statistics order by country')).rows,
    },
  );
});
