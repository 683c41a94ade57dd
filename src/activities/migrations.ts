import { Context } from '@temporalio/activity';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { errorMessage } from '../errors.ts';
import { fencedDeploy } from '../ledger/deploy-record.ts';
import { readDeploy } from '../ledger/deploys.ts';
import { sqlState } from '../ledger/ledger-errors.ts';
import { isConnectionError } from '../ledger/sql-errors.ts';
import type { DeployRef, StepOutcome } from '../protocol.ts';
import type { DeployDependencies } from './deploy-dependencies.ts';
import { refusing } from './refusing.ts';

/** Number of the advisory lock under which a database is migrated: "lockkeep" in ASCII. */
const MIGRATION_LOCK = '7813586407223190896';

const NOT_SQL = '(?:(?!.*\\.sql$).*|\\..*)';

/**
 * Brings a database up to the SQL migrations of a folder, all in one transaction, while no other deploy can.
 * Its own table of what was applied makes it safe to repeat.
 */
export async function runMigrations(
  deps: DeployDependencies,
  input: DeployRef & { readonly directory: string; readonly database: string },
): Promise<StepOutcome> {
  const client = new pg.Client({
    connectionString: deps.databaseUrl(input.database),
    application_name: 'lockkeeper migrate',
  });
  client.on('error', (error) => deps.log.warn({ err: error }, 'the connection of a migration was lost'));
  const cancelled = Context.current().cancellationSignal;
  const cancel = () =>
    void client.end().catch((error: unknown) => deps.log.warn({ err: error }, 'ending a cancelled migration'));
  cancelled.addEventListener('abort', cancel, { once: true });
  try {
    await client.connect();
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    // Only now: while we waited for the lock a later run may have taken over.
    const { token } = await readDeploy(deps.ledger, input.environment, input.deploy);
    if (token !== input.token) return await refusing(() => Promise.reject(fencedDeploy(input)));
    const applied = await runner({
      dbClient: client,
      dir: input.directory,
      direction: 'up',
      migrationsTable: 'pgmigrations',
      noLock: true,
      // Whatever else lies in the folder (a README, an editor's backup) is no migration.
      ignorePattern: NOT_SQL,
      logger: {
        debug: (m) => deps.log.debug(m),
        info: (m) => deps.log.debug(m),
        warn: (m) => deps.log.warn(m),
        error: (m) => deps.log.error(m),
      },
    });
    return {
      kind: 'done',
      note: applied.length === 0 ? 'nothing to apply' : `applied ${applied.map((m) => m.name).join(', ')}`,
    };
  } catch (error) {
    // All or nothing, and written down in the same transaction: to be tried again, not in doubt.
    if (isConnectionError(error) && !cancelled.aborted) throw error;
    if ((error as Error).name === 'ApplicationFailure') throw error;
    return { kind: 'failed', reason: reasonOf(error, input.database) };
  } finally {
    cancelled.removeEventListener('abort', cancel);
    await client.end().catch((error: unknown) => deps.log.debug({ err: error }, 'the connection was gone already'));
  }
}

/** Without the stack that the library puts into its message, and with what to do when the login is not the tables' owner. */
function reasonOf(error: unknown, database: string): string {
  const words = errorMessage(error).replaceAll(/\n\s+at .*/g, '');
  if (sqlState(error) !== '42501') return words;
  return `${words}. The login of database \`${database}\` may not: let the step name one of \`databases\` whose URL is that of the owner`;
}
