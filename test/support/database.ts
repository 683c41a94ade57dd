import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { atEnd } from './at-end.ts';
import { eventually } from './eventually.ts';

/** The same server and user, another database. */
export function databaseUrlOf(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

export async function createDatabase(url: string, name: string, template?: string): Promise<void> {
  await onServer(url, (client) => client.query(`create database ${name}${template ? ` template ${template}` : ''}`));
}

export async function dropDatabase(url: string, name: string): Promise<void> {
  await onServer(url, (client) => client.query(`drop database ${name} with (force)`));
}

/**
 * The URL of a database of its own for the file, or for the test when called inside one; dropped at its end. A session
 * still open then is a leak and fails the file.
 */
export async function freshDatabase(options: { readonly empty?: boolean } = {}): Promise<string> {
  const server = inject('databaseUrl');
  const name = `lockkeeper_test_${randomUUID().replaceAll('-', '')}`;
  await createDatabase(server, name, options.empty ? undefined : inject('template'));
  // No two ledgers have the same id, and a copy would have that of the template.
  if (!options.empty) {
    await ask(databaseUrlOf(server, name), (client) =>
      client.query('update lockkeeper._ledger set id = gen_random_uuid()'),
    );
  }
  atEnd(async () => {
    try {
      await eventually(async () => {
        const open = await sessionsOf(server, name);
        if (open.length > 0) throw new Error(`the test left sessions open in Postgres: ${open.join('; ')}`);
      });
    } finally {
      await dropDatabase(server, name);
    }
  });
  return databaseUrlOf(server, name);
}

async function sessionsOf(server: string, database: string): Promise<string[]> {
  const { rows } = await onServer(server, (client) =>
    client.query<{ session: string }>(
      `select concat_ws(' ', application_name, state, left(query, 60)) as session
       from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
      [database],
    ),
  );
  return rows.map((row) => row.session);
}

const onServer = <T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> =>
  ask(databaseUrlOf(url, 'postgres'), act);

async function ask<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'lockkeeper-test-support' });
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}
