/**
 * Everything on one machine: servers, a worker, a deploy worker and the service, until Ctrl-C. `npm run example:fastify`.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger, migrateLedger } from 'lockkeeper';
import pg from 'pg';
import { startDev } from '../../dist/dev/start.js';
import { SEARCH_ATTRIBUTES } from '../../dist/protocol.js';

const here = (file: string) => path.join(path.dirname(fileURLToPath(import.meta.url)), file);
const CLI = here('../../dist/cli/main.js');

const dev = await startDev({ dir: '.lockkeeper/fastify', searchAttributes: SEARCH_ATTRIBUTES, log: console.error });
const env: NodeJS.ProcessEnv = { ...process.env, TEMPORAL_ADDRESS: dev.temporalAddress, DATABASE_URL: dev.databaseUrl };
await migrateLedger(dev.databaseUrl, createLogger());
const db = new pg.Client(dev.databaseUrl);
await db.connect();
await db.query(readFileSync(here('schema.sql'), 'utf8'));
await db.end();

const config = ['--config', here('lockkeeper.yaml')];
const all = [[CLI, 'worker', ...config], [CLI, 'deploy-worker', ...config], [here('server.ts')]].map((argv) =>
  spawn(process.execPath, argv, { env, stdio: ['ignore', 'inherit', 'inherit'] }),
);

console.log(
  [
    'Import some cities, and follow the import:',
    `  curl -i -d '{"cities":["Ghent","Oslo","Quito"]}' -H 'content-type: application/json' -H 'idempotency-key: 7' http://127.0.0.1:${env['PORT'] ?? 3000}/imports`,
    `  curl -N http://127.0.0.1:${env['PORT'] ?? 3000}/imports/import-7/events`,
    '',
    'Deploy in the middle of it:',
    `  export TEMPORAL_ADDRESS=${dev.temporalAddress} DATABASE_URL='${dev.databaseUrl}'`,
    `  node dist/cli/main.js deploy run --environment shop --id v2 -- sleep 10`,
    '',
    ...(dev.uiUrl ? [`Web UI: ${dev.uiUrl}`] : []),
  ].join('\n'),
);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
// Without one of them the others are no example.
await Promise.race(all.map((child) => once(child, 'exit')));
end();
await Promise.all(all.map(ended));
await dev.stop();

function end(): void {
  for (const child of all) child.kill('SIGTERM');
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
