import { loadClientConfigFromToml } from '@temporalio/envconfig';
import { errorMessage } from '../../src/errors.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import type { Block } from './pages.ts';

export function checkJson(block: Block): string[] {
  try {
    JSON.parse(block.text);
    return [];
  } catch (error) {
    return [`${block.at}: ${errorMessage(error)}`];
  }
}

/** Read as Temporal's own configuration. */
export function checkToml(block: Block): string[] {
  try {
    loadClientConfigFromToml(Buffer.from(block.text), { strict: true });
    return [];
  } catch (error) {
    return [`${block.at}: ${errorMessage(error)}`];
  }
}

/** Tables of users that pages speak of. */
const TABLES = 'create temporary table city (name text); create temporary table session (expired_on date);';

/** Runs a block in a transaction that is rolled back, in a database with a ledger. */
export async function checkSql(block: Block, ledger: Ledger): Promise<string[]> {
  const client = await ledger.pool.connect();
  try {
    await client.query(`begin; ${TABLES}`);
    await client.query(block.text);
    return [];
  } catch (error) {
    return [`${block.at}: ${errorMessage(error)}`];
  } finally {
    await client.query('rollback');
    client.release();
  }
}
