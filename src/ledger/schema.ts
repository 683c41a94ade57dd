import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MINIMUM_POSTGRES } from '../defaults.ts';
import { LockkeeperError } from '../errors.ts';
import type { Queryable } from './pool.ts';

export const MIGRATIONS = fileURLToPath(new URL('./migrations', import.meta.url));
/** The number of breaking ledger migrations this code knows. */
export const BREAKING = 1;

/**
 * Makes sure that this code and the ledger fit each other; every other query may then expect its tables.
 * @throws {LockkeeperError} POSTGRES_TOO_OLD, LEDGER_SCHEMA: says which of the two is to be upgraded
 */
export async function checkSchema(db: Queryable): Promise<void> {
  if (!(await refuseNewer(db))) {
    throw new LockkeeperError('LEDGER_SCHEMA', 'the database has no lockkeeper schema', {
      next: 'Run `lockkeeper ledger migrate`',
    });
  }
  const lacking = await lackingMigrations(db);
  if (lacking.length === 0) return;
  throw new LockkeeperError(
    'LEDGER_SCHEMA',
    `the ledger's schema is older than this lockkeeper: it lacks ${lacking.join(', ')}`,
    { next: 'Upgrade the ledger: run `lockkeeper ledger migrate` with this version' },
  );
}

/**
 * False when there is no schema yet.
 * @throws {LockkeeperError} POSTGRES_TOO_OLD, LEDGER_SCHEMA when the schema is newer than this code
 */
export async function refuseNewer(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ postgres: string; found: boolean }>(
    `select current_setting('server_version') as postgres, to_regclass('lockkeeper._ledger') is not null as found`,
  );
  const { postgres, found } = rows[0]!;
  if (Number.parseInt(postgres, 10) < MINIMUM_POSTGRES) {
    throw new LockkeeperError(
      'POSTGRES_TOO_OLD',
      `the ledger's Postgres is version ${postgres}, at least ${MINIMUM_POSTGRES} is needed`,
      { next: 'Upgrade the server, or set DATABASE_URL to a newer one' },
    );
  }
  if (!found) return false;
  const ledger = await db.query<{ breaking: number }>('select breaking from lockkeeper._ledger');
  const breaking = ledger.rows[0]?.breaking ?? 0;
  if (breaking <= BREAKING) return true;
  throw new LockkeeperError(
    'LEDGER_SCHEMA',
    `the ledger's schema is newer than this lockkeeper: it has breaking change ${breaking}, this code knows ${BREAKING}`,
    { next: 'Upgrade lockkeeper here' },
  );
}

/** The migrations that a ledger, which is there, has not had. */
export async function lackingMigrations(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>('select name from lockkeeper._migrations');
  const applied = new Set(rows.map(({ name }) => name));
  return knownMigrations().filter((name) => !applied.has(name));
}

const knownMigrations = (): string[] =>
  readdirSync(MIGRATIONS)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort();
