import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { LedgerProxy } from '../support/ledger-proxy.ts';
import { Processes } from '../support/processes.ts';
import { openScene } from '../support/scene.ts';

const CONFIG = fileURLToPath(new URL('../app/lockkeeper.yaml', import.meta.url));

test.each(['worker', 'deploy-worker'])(
  'a %s refuses to start behind a connection pooler, and says what to do',
  async (command) => {
    const processes = new Processes();
    const scene = await openScene();
    const proxy = await LedgerProxy.start(scene.ledger.databaseUrl);
    const env = { ...scene.temporal.env, DATABASE_URL: proxy.databaseUrl };
    proxy.poolConnections();
    const refused = processes.node('dist/cli/main.js', [command, '--config', CONFIG], { env });
    expect(await refused.ended()).toMatchObject({ code: EXIT.usage });
    expect(refused.stderr).toContain('a connection pooler (such as PgBouncer) stands between');
    expect(refused.stderr).toContain('Set DATABASE_URL to Postgres itself');
  },
);
