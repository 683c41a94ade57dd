import { migrateLedger } from '../../src/ledger/migrate.ts';
import { freshDatabase } from '../support/database.ts';
import { freshLogin, run } from '../support/logins.ts';
import type { Login } from '../support/logins.ts';
import { quietLog } from '../support/quiet-log.ts';

export interface OwnedLedger {
  /** As the administrator of the cluster. */
  readonly admin: string;
  readonly owner: Login;
}

/** A database whose owner has no other power, migrated by that owner; as it should be in production. */
export async function ownedLedger(): Promise<OwnedLedger> {
  const admin = await freshDatabase({ empty: true });
  const owner = await freshLogin(admin);
  await run(admin, `alter database ${new URL(admin).pathname.slice(1)} owner to ${owner.name}`);
  await migrateLedger(owner.url, quietLog);
  return { admin, owner };
}
