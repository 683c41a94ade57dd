import { LockkeeperError } from '../errors.ts';

/** Where the ledger is, as the environment says. @throws {LockkeeperError} USAGE */
export function databaseUrl(env: NodeJS.ProcessEnv = process.env): string {
  const url = env['DATABASE_URL'];
  if (url) return checkDatabaseUrl(url);
  throw new LockkeeperError('USAGE', "DATABASE_URL is not set, it must be the URL of the ledger's Postgres", {
    next: '`lockkeeper dev` brings one and prints the line to copy',
  });
}

/** What `pg` understands: a URL, or the path of a Unix socket. */
const SHAPE = /^(postgres(ql)?:\/\/|socket:|\/)/;

/**
 * Refuses what is no URL of a Postgres, before a driver makes something of it. The value is never shown: what is wrong with
 * it may be its password.
 * @throws {LockkeeperError} USAGE
 */
export function checkDatabaseUrl(url: string, variable = 'DATABASE_URL'): string {
  const why = problemOf(url);
  if (why === undefined) return url;
  throw new LockkeeperError('USAGE', `${variable} ${why}, expected postgres://user:password@host:5432/database`, {
    next: 'In user and password write # as %23, / as %2F, @ as %40, : as %3A, ? as %3F, % as %25 (it is not shown here: it may hold a password)',
  });
}

function problemOf(url: string): string | undefined {
  if (url !== url.trim()) return 'begins or ends with a space or a line break';
  if (!SHAPE.test(url)) {
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1];
    return scheme === undefined ? 'does not begin with postgres://' : `is a URL of ${scheme}, not of postgres`;
  }
  if (url.startsWith('/') || url.startsWith('socket:')) return undefined;
  try {
    const { pathname, hash } = new URL(url);
    decodeURIComponent(new URL(url).password);
    // A # begins the fragment: what stands behind it would be lost without a word.
    if (hash !== '') return 'has a # that is not written as %23';
    return pathname.length > 1 ? undefined : 'names no database';
  } catch {
    // The parser's own words show the value.
    return 'is not a URL that can be read';
  }
}

/** Host, port and database for people: `127.0.0.1:5432/app, user me`; never the password. */
export function shownDatabase(url: string): string {
  try {
    const { host, pathname, username } = new URL(url);
    return `${host || 'the local socket'}${pathname}${username === '' ? '' : `, user ${decodeURIComponent(username)}`}`;
  } catch {
    return 'a local socket';
  }
}
