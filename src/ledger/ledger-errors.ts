import pg from 'pg';
import { LockkeeperError, errorMessage } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { shownDatabase } from './database-url.ts';
import { isConnectionError } from './sql-errors.ts';

/** Whether an error that may be anything is one of Postgres or of a connection that was lost. */
export const isOfPostgres = (error: unknown): boolean =>
  error instanceof pg.DatabaseError || (isConnectionError(error) && (error as { code?: unknown }).code !== 'ENOENT');

/** Code, message and what to do; `where` and `said` begin and end the message. */
type Told = readonly [code: ErrorCode, message: string, next: string];

/** Appendix A of PostgreSQL's documentation has the codes. */
const BY_STATE: Readonly<Record<string, (where: string, said: string) => Told>> = {
  '28P01': notLetIn,
  '28000': notLetIn,
  '3D000': (where, said) => [
    'LEDGER_DATABASE_MISSING',
    `${where} does not have it: ${said}`,
    'Create it (`createdb`), or correct DATABASE_URL',
  ],
  '42501': (where, said) => [
    'LEDGER_DENIED',
    `${where} does not let this user do what is needed: ${said}`,
    'Set DATABASE_URL to a login that is a member of lockkeeper_worker; `lockkeeper ledger migrate` needs the one that owns the ledger',
  ],
  '53300': (where, said) => [
    'LEDGER_UNREACHABLE',
    `${where} has no connection left: ${said}`,
    'Raise max_connections, or run fewer workers',
  ],
};

function notLetIn(where: string, said: string): Told {
  return ['LEDGER_DENIED', `${where} does not let us in: ${said}`, 'Correct user and password in DATABASE_URL'];
}

/**
 * An error of Postgres or of the way to it as one of our own, with where it was asked, and never with the password. What is
 * none of the database's, and what says nothing about how lockkeeper is set up, stays what it is.
 */
export function ledgerError(error: unknown, databaseUrl: string): unknown {
  if (error instanceof LockkeeperError) return error;
  const where = `the ledger's Postgres (${shownDatabase(databaseUrl)})`;
  const said = errorMessage(error);
  const told = BY_STATE[sqlState(error) ?? '']?.(where, said) ?? ofTheWay(error, where, said);
  if (!told) return error;
  const [code, message, next] = told;
  return new LockkeeperError(code, message, { next, cause: error });
}

/** What the driver says by itself carries no code. */
function ofTheWay(error: unknown, where: string, said: string): Told | undefined {
  if (/password must be a (non-empty )?string/.test(said))
    return ['LEDGER_DENIED', `${where} asks for a password, and none is given`, 'Put it into DATABASE_URL'];
  if (/does not support SSL|certificate/i.test(said)) {
    return [
      'LEDGER_UNREACHABLE',
      `no TLS connection to ${where}: ${said}`,
      'Set sslmode and sslrootcert in DATABASE_URL as the server wants it',
    ];
  }
  if (!isConnectionError(error)) return undefined;
  return ['LEDGER_UNREACHABLE', `${where} does not answer: ${said}`, 'Check DATABASE_URL and that the server runs'];
}

/** Of the error or of what caused it: libraries wrap what Postgres said. */
export function sqlState(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string' && /^[0-9A-Z]{5}$/.test(at.code)) return at.code;
  }
  return errorMessage(error).includes('permission denied for') ? '42501' : undefined;
}
