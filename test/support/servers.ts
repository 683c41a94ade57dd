import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startDev } from '../../src/dev/start.ts';
import { migrateLedger } from '../../src/ledger/migrate.ts';
import { SEARCH_ATTRIBUTES } from '../../src/protocol.ts';
import { createDatabase, databaseUrlOf, dropDatabase } from './database.ts';
import { quietLog } from './quiet-log.ts';

declare module 'vitest' {
  interface ProvidedContext {
    temporalAddress: string;
    /** Of the server; every test file has a database of its own, see `freshDatabase`. */
    databaseUrl: string;
    /** A database with the ledger's schema and no rows; nobody connects to it. */
    template: string;
  }
}

/**
 * One Temporal and one Postgres for the whole run. `TEMPORAL_ADDRESS` and `DATABASE_URL` each name one that runs already;
 * that Postgres must let its user create databases.
 */
export default async function startServers(project: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(join(tmpdir(), 'lockkeeper-run-'));
  // As root, Postgres runs as somebody else, who must be able to enter it.
  await chmod(dir, 0o755);
  const template = `lockkeeper_template_${randomUUID().replaceAll('-', '')}`;
  const servers = await startDev({
    dir,
    searchAttributes: SEARCH_ATTRIBUTES,
    durable: false,
    log: (line) => console.error(line),
    // A namespace that a test file has just registered is known at once, not after the server's next look.
    // And workflows are told early to continue as new, so that every test of many events goes through it.
    dynamicConfig: {
      'system.namespaceCacheRefreshInterval': '"200ms"',
      'limit.historyCount.suggestContinueAsNew': '50',
    },
  });
  const stop = async () => {
    await servers.stop();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await createDatabase(servers.databaseUrl, template);
    await migrateLedger(databaseUrlOf(servers.databaseUrl, template), quietLog);
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide('temporalAddress', servers.temporalAddress);
  project.provide('databaseUrl', servers.databaseUrl);
  project.provide('template', template);
  return async () => {
    await dropDatabase(servers.databaseUrl, template).finally(stop);
  };
}
