import { Command } from 'commander';
import { databaseUrl } from '../ledger/database-url.ts';
import { migrateLedger } from '../ledger/migrate.ts';
import { LEDGER_ROLES } from '../ledger/roles.ts';
import type { LedgerRoles } from '../ledger/roles.ts';
import { createLogger } from '../log.ts';
import { EXIT } from './exit-codes.ts';
import { Migrated } from './json/others.ts';
import { printAs } from './json/print.ts';
import { exits, jsonOption, withExample } from './options.ts';
import type { JsonOptions } from './options.ts';
import { print } from './terminal.ts';

/** Brings the ledger's schema up to date. */
export async function ledgerMigrate(options: JsonOptions): Promise<number> {
  const roles = await migrateLedger(databaseUrl(), createLogger());
  if (options.json) printAs(Migrated, { migrated: true, ...(roles && { roles }) });
  else print(['the ledger is up to date', ...(roles ? describeRoles(roles) : [])].join('\n'));
  return EXIT.ok;
}

/** Which roles there are, and how somebody becomes a member; or who has to make them. */
export function describeRoles({ granted, missing }: LedgerRoles): string[] {
  const { worker, reader } = LEDGER_ROLES;
  const membership = { [worker]: 'workers, deploy workers and clients', [reader]: 'who only looks at the views' };
  return [
    ...(granted.length === 0 ? [] : ['', 'Logins of their own, with no more rights than they need:']),
    ...granted.map((role) => `  create role … login password '…' in role ${role};  -- ${membership[role]}`),
    ...(missing.length === 0
      ? []
      : [
          '',
          'Missing, and this user may not create roles; until they are there, only the owner can do what they are for. As an administrator:',
          ...missing.map((role) => `  create role ${role} nologin;`),
          'then `lockkeeper ledger migrate` once more.',
        ]),
  ];
}

export function ledgerCommand(): Command {
  const migrate = new Command('migrate')
    .description(
      "bring the ledger's schema and the rights of its roles up to date; safe to run again, and beside others",
    )
    .addOption(jsonOption())
    .action(exits(ledgerMigrate));
  return new Command('ledger')
    .description('the Postgres schema with saved state and the record of deploys')
    .addCommand(withExample(migrate, 'DATABASE_URL=postgres://… lockkeeper ledger migrate'));
}
