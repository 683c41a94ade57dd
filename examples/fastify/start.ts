/**
 * Everything on one machine: servers, a worker, a deploy worker and the service, until Ctrl-C. `npm run example:fastify`.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createLogger, migrateLedger } from 'lockkeeper';
import pg from 'pg';
import { startDev } from '../../dist/dev/start.js';
import { SEARCH_ATTRIBUTES } from '../../dist/protocol.js';

const here = (file: string) => path.join(path.dirname(fileURLToPath(import.meta.url)), file);
const CLI = here('../../dist/cli/main.js');

const URL = `http://127.0.0.1:${process.env['PORT'] ?? 3000}/imports`;
/** Nothing here takes longer unless it is stuck, milliseconds. */
const READY_WITHIN = 60_000;

const dev = await startDev({ dir: '.lockkeeper/fastify', searchAttributes: SEARCH_ATTRIBUTES, log: console.error });
const children: ChildProcess[] = [];
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
try {
  await run();
} finally {
  end();
  await Promise.all(children.map(ended));
  await dev.stop();
}

async function run(): Promise<void> {
  await migrateLedger(dev.databaseUrl, createLogger());
  const db = new pg.Client(dev.databaseUrl);
  await db.connect();
  await db.query(readFileSync(here('schema.sql'), 'utf8'));
  await db.end();
  const config = ['--config', here('lockkeeper.yaml')];
  for (const argv of [[CLI, 'worker', ...config], [CLI, 'deploy-worker', ...config], [here('server.ts')]]) {
    const env = {
      LOG_LEVEL: 'warn',
      ...process.env,
      TEMPORAL_ADDRESS: dev.temporalAddress,
      DATABASE_URL: dev.databaseUrl,
      ...(dev.keyFile !== undefined && { LOCKKEEPER_KEY_FILE: dev.keyFile }),
    };
    children.push(spawn(process.execPath, argv, { env, stdio: ['ignore', 'inherit', 'inherit'] }));
  }
  // Without one of them the others are no example.
  const anyEnded = Promise.race(children.map(ended));
  await Promise.race([answers(), anyEnded]);
  console.log(whatToTry());
  await anyEnded;
}

async function answers(): Promise<void> {
  const until = Date.now() + READY_WITHIN;
  for (;;) {
    try {
      if ((await fetch(URL)).ok) return;
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    await delay(100);
  }
}

function whatToTry(): string {
  return `
Start an import of 2,000 cities, and follow it:

  node -p 'JSON.stringify({ cities: Array.from({ length: 2000 }, (_, n) => "city " + n) })' |
    curl -i -d @- -H 'content-type: application/json' -H 'idempotency-key: 7' ${URL}
  curl -N ${URL}/import-7/events

Deploy in the middle of it, from another terminal:

  export TEMPORAL_ADDRESS=${dev.temporalAddress} DATABASE_URL='${dev.databaseUrl}'
  node dist/cli/main.js deploy run --environment shop --id v2 -- sleep 10

${dev.uiUrl ? `Web UI: ${dev.uiUrl}\n` : ''}Ctrl-C ends it.`;
}

function end(): void {
  for (const child of children) child.kill('SIGTERM');
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
