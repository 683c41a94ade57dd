import { LockkeeperError, errorMessage } from '../errors.ts';
import { shownDatabase } from './database-url.ts';
import { isConnectionError } from './sql-errors.ts';

/**
 * An error of Postgres or of the way to it as one of our own, with where it was asked, and never with the password. What is
 * none of the database's, and what says nothing about how lockkeeper is set up, stays what it is.
 */
export function ledgerError(error: unknown, databaseUrl: string): unknown {
  if (error instanceof LockkeeperError) return error;
  const where = `the ledger's Postgres (${shownDatabase(databaseUrl)})`;
  const make = (code: ConstructorParameters<typeof LockkeeperError>[0], message: string, next: string) =>
    new LockkeeperError(code, message, { next, cause: error });
  const said = errorMessage(error);
  switch (sqlState(error)) {
    case '28P01':
    case '28000':
      return make('LEDGER_DENIED', `${where} does not let us in: ${said}`, 'Correct user and password in DATABASE_URL');
    case '3D000':
      return make(
        'LEDGER_DATABASE_MISSING',
        `${where} does not have that database`,
        'Create it (`createdb`), or correct DATABASE_URL',
      );
    case '42501':
      return make(
        'LEDGER_DENIED',
        `${where} does not let this user do what is needed: ${said}`,
        'Grant it to the user, or use one in DATABASE_URL that may',
      );
    case '53300':
      return make(
        'LEDGER_UNREACHABLE',
        `${where} has no connection left: ${said}`,
        'Raise max_connections, or run fewer workers',
      );
  }
  if (/password must be a (non-empty )?string/.test(said))
    return make('LEDGER_DENIED', `${where} asks for a password, and none is given`, 'Put it into DATABASE_URL');
  if (/SSL|certificate|TLS/i.test(said))
    return make(
      'LEDGER_UNREACHABLE',
      `no TLS connection to ${where}: ${said}`,
      'Set sslmode and sslrootcert in DATABASE_URL as the server wants it',
    );
  if (!isConnectionError(error)) return error;
  return make('LEDGER_UNREACHABLE', `${where} does not answer: ${said}`, 'Check DATABASE_URL and that the server runs');
}

/** Of the error or of what caused it: libraries wrap what Postgres said. */
function sqlState(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string' && /^[0-9A-Z]{5}$/.test(at.code)) return at.code;
  }
  return errorMessage(error).includes('permission denied for') ? '42501' : undefined;
}
