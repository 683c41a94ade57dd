import { readFile } from 'node:fs/promises';
import type { ClientBase } from 'pg';

/** What members of each role may do stands in `roles/`. They belong to the cluster, so they have the same names in every ledger. */
export const LEDGER_ROLES = { worker: 'lockkeeper_worker', reader: 'lockkeeper_reader' } as const;

type Role = keyof typeof LEDGER_ROLES;
export type LedgerRole = (typeof LEDGER_ROLES)[Role];

/** Which of the ledger's roles have their rights, and which are not there because the migrating user may make none. */
export interface LedgerRoles {
  readonly granted: readonly LedgerRole[];
  readonly missing: readonly LedgerRole[];
}

/** One at a time in a database: two that grant the same at once hinder each other. "LKRG" in ASCII. */
const GRANT_LOCK = 0x4c4b5247;

/**
 * Gives the roles their rights, all in one transaction; safe to repeat. At every migration and not in one: roles are not part of a
 * database's backup, and may be made after it was migrated.
 */
export async function grantRoles(client: ClientBase): Promise<LedgerRoles> {
  await client.query('begin');
  try {
    await client.query('select pg_advisory_xact_lock($1)', [GRANT_LOCK]);
    await client.query(await statements('create'));
    await client.query('revoke all on all functions in schema lockkeeper from public');
    const { rows } = await client.query<{ rolname: LedgerRole }>(
      'select rolname from pg_roles where rolname = any($1)',
      [Object.values(LEDGER_ROLES)],
    );
    const there = new Set(rows.map((row) => row.rolname));
    const granted: LedgerRole[] = [];
    for (const role of Object.keys(LEDGER_ROLES) as Role[]) {
      if (!there.has(LEDGER_ROLES[role])) continue;
      await client.query(await statements(role));
      granted.push(LEDGER_ROLES[role]);
    }
    await client.query('commit');
    return { granted, missing: Object.values(LEDGER_ROLES).filter((name) => !there.has(name)) };
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/** Whether this user has the rights of the schema's owner: others cannot migrate, nor grant. */
export async function ownsLedger(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ owns: boolean }>(
    `select pg_has_role(nspowner, 'usage') as owns from pg_namespace where nspname = 'lockkeeper'`,
  );
  return rows[0]?.owns ?? false;
}

const statements = (name: Role | 'create') => readFile(new URL(`./roles/${name}.sql`, import.meta.url), 'utf8');
