/**
 * A long import, a deploy in its middle, a worker that is killed: nothing is lost, nothing is done twice.
 * `npm run demo`; with `-- --keep` everything stays up afterwards, to be looked at in the Web UI.
 */
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectTemporal, createLogger, ensureSearchAttributes, migrateLedger } from 'lockkeeper';
import pg from 'pg';
import { startDev } from '../../dist/dev/start.js';
import { SEARCH_ATTRIBUTES } from '../../dist/protocol.js';
import { PARTS, cities } from './cities.ts';
import { Demo, say } from './demo-processes.ts';
import { verify } from './verify.ts';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const STATE = path.resolve('.lockkeeper/demo');
/** Share of the rows after which the deploy begins, and after which a worker is killed. */
const DEPLOY_AT = 0.25;
const KILL_AT = 0.6;
/** Nothing here takes this long unless it is stuck, milliseconds. */
const AT_MOST = 180_000;

const keep = process.argv.includes('--keep');
process.exitCode = await main();

async function main(): Promise<number> {
  rmSync(STATE, { recursive: true, force: true });
  const log = createLogger({ name: 'demo' });
  say('Starting an embedded Temporal server and Postgres');
  const dev = await startDev({ dir: STATE, searchAttributes: SEARCH_ATTRIBUTES, log: () => undefined });
  const env = {
    ...process.env,
    TEMPORAL_ADDRESS: dev.temporalAddress,
    DATABASE_URL: dev.databaseUrl,
    CITIES_STATE: STATE,
  };
  const demo = new Demo(env, path.join(HERE, 'lockkeeper.yaml'));
  const db = new pg.Pool({ connectionString: dev.databaseUrl });
  const temporal = await connectTemporal(env);
  try {
    await migrateLedger(dev.databaseUrl, log);
    await ensureSearchAttributes(temporal.connection, temporal.namespace);
    await db.query(readFileSync(path.join(HERE, 'schema.sql'), 'utf8'));
    await demo.startDeployWorker();
    await demo.replaceWorkers('v1');

    say(`Importing ${cities.length.toLocaleString('en')} cities in ${PARTS} jobs on two workers of version 1`);
    if (dev.uiUrl) say(`Watch: ${dev.uiUrl}`);
    const started = Date.now();
    const countries = [...new Set(cities.map((city) => city.country))].sort();
    const report = await temporal.client.workflow.start('citiesReport', {
      workflowId: 'cities-report',
      taskQueue: 'imports',
      args: [{ parts: PARTS, countries }],
      staticSummary: 'import all cities, then statistics per country',
    });

    await rows(db, DEPLOY_AT);
    say('A deploy: drain, migrate, replace both workers by version 2, resume');
    const exit = await demo.deploy('release-2');
    if (exit !== 0) throw new Error(`lockkeeper deploy run exited with ${exit}`);

    await rows(db, KILL_AT);
    const kill = await demo.killOneWorker(db);
    say(`SIGKILL to worker ${kill.name} in the middle of ${kill.jobs.length} of the jobs`);

    const ended = await Promise.race([report.result().then(() => true), delay(AT_MOST, false, { ref: false })]);
    if (!ended) throw new Error(`the import has not ended after ${AT_MOST / 1_000} s`);
    say(`Done in ${((Date.now() - started) / 1_000).toFixed(1)} s. Counting from the database and the histories`);
    const good = await verify({ db, client: temporal.client, workflowId: 'cities-report', deploy: 'release-2', kill });
    if (keep) await untilInterrupted(dev.uiUrl, dev.databaseUrl, dev.temporalAddress);
    return good ? 0 : 1;
  } finally {
    await demo.stop();
    await db.end();
    await temporal.connection.close();
    await dev.stop();
  }
}

async function rows(db: pg.Pool, share: number): Promise<void> {
  const wanted = Math.floor(cities.length * share);
  const deadline = Date.now() + AT_MOST;
  for (;;) {
    const { rows: found } = await db.query<{ count: number }>('select count(*)::int as count from city');
    if (found[0]!.count >= wanted) return;
    if (Date.now() > deadline) throw new Error(`only ${found[0]!.count} of ${wanted} rows after ${AT_MOST / 1_000} s`);
    await delay(100);
  }
}

async function untilInterrupted(
  uiUrl: string | undefined,
  databaseUrl: string,
  temporalAddress: string,
): Promise<void> {
  const ui = (id: string) => `  ${uiUrl}/namespaces/default/workflows/${encodeURIComponent(id)}`;
  console.log(
    [
      '',
      'Still running, until Ctrl-C:',
      ui('cities-report'),
      ui('deploy-coordinator/demo'),
      ui('deploy-run/demo'),
      '',
      'In another terminal:',
      `  export TEMPORAL_ADDRESS=${temporalAddress} DATABASE_URL='${databaseUrl}'`,
      `  node dist/cli/main.js board --config ${path.relative('.', path.join(HERE, 'lockkeeper.yaml'))}`,
    ].join('\n'),
  );
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => undefined, 1 << 30);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (clearInterval(timer), resolve()));
  });
}
