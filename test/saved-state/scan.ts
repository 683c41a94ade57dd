import type { Ledger } from '../../src/ledger/pool.ts';

/** Every row of every table of the ledger that holds a text, as it is, or as the bytes of a column. */
export async function rowsWith(ledger: Ledger, text: string): Promise<string[]> {
  const { rows: tables } = await ledger.pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'lockkeeper'`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const { rows } = await ledger.pool.query<{ row: string }>(
      `select t::text as row from ${name} t where strpos(t::text, $1) > 0 or strpos(t::text, $2) > 0`,
      [text, Buffer.from(text).toString('hex')],
    );
    found.push(...rows.map(({ row }) => `${name}: ${row}`));
  }
  return found;
}
