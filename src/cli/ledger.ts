import { Command } from 'commander';
import { databaseUrl } from '../ledger/database-url.ts';
import { migrateLedger } from '../ledger/migrate.ts';
import { createLogger } from '../log.ts';
import { EXIT } from './exit-codes.ts';
import { Migrated } from './json/others.ts';
import { printAs } from './json/print.ts';
import { exits, jsonOption, withExample } from './options.ts';
import type { JsonOptions } from './options.ts';
import { print } from './terminal.ts';

/** Brings the ledger's schema up to date. */
export async function ledgerMigrate(options: JsonOptions): Promise<number> {
  await migrateLedger(databaseUrl(), createLogger());
  if (options.json) printAs(Migrated, { migrated: true });
  else print('the ledger is up to date');
  return EXIT.ok;
}

export function ledgerCommand(): Command {
  const migrate = new Command('migrate')
    .description("bring the ledger's schema up to date; safe to run again, and beside others")
    .addOption(jsonOption())
    .action(exits(ledgerMigrate));
  return new Command('ledger')
    .description('the Postgres schema with saved state and the record of deploys')
    .addCommand(withExample(migrate, 'DATABASE_URL=postgres://… lockkeeper ledger migrate'));
}
