import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { atEnd } from './at-end.ts';

/** The same server and database, as somebody else. */
export function urlAs(url: string, user: string, password: string): string {
  const other = new URL(url);
  [other.username, other.password] = [user, password];
  return other.href;
}

/** Sends statements one after another on a connection of their own. */
export async function run(url: string, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'lockkeeper-test-support' });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

export interface Login {
  readonly name: string;
  readonly url: string;
}

/**
 * A login of its own, made by the user of `url`; it is dropped at the end of the test or file, by `admin`.
 * @example const worker = await freshLogin(ledger.databaseUrl, 'in role lockkeeper_worker');
 */
export async function freshLogin(url: string, attributes = '', admin = url): Promise<Login> {
  const id = randomUUID().replaceAll('-', '');
  const name = `lockkeeper_test_${id}`;
  await run(url, `create role ${name} login password '${id}' ${attributes}`);
  atEnd(() => run(admin, `reassign owned by ${name} to current_user`, `drop owned by ${name}`, `drop role ${name}`));
  return { name, url: urlAs(url, name, id) };
}

/** SQLSTATE of what the statement meets, or `done`; nothing that it does stays. */
export async function outcomeOf(client: pg.Client, statement: string, values: unknown[] = []): Promise<string> {
  await client.query('begin');
  try {
    await client.query(statement, values);
    return 'done';
  } catch (error) {
    return (error as pg.DatabaseError).code ?? String(error);
  } finally {
    await client.query('rollback');
  }
}

/** A connection as this login, until the end. */
export async function connectAs(login: Login): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: login.url, application_name: 'lockkeeper-test' });
  await client.connect();
  atEnd(() => client.end());
  return client;
}
