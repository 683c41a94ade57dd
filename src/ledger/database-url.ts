import { LockkeeperError } from '../errors.ts';

/** Where the ledger is, as the environment says. @throws {LockkeeperError} USAGE */
export function databaseUrl(env: NodeJS.ProcessEnv = process.env): string {
  const url = env['DATABASE_URL'];
  if (url) return url;
  throw new LockkeeperError('USAGE', "DATABASE_URL is not set, it must be the URL of the ledger's Postgres", {
    next: '`lockkeeper dev` brings one and prints the line to copy',
  });
}
