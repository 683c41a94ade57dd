/**
 * A long import, a deploy in its middle, a worker that is killed: nothing is lost, nothing is done twice.
 * `npm run demo`; with `-- --keep` everything stays up afterwards, to be looked at in the Web UI.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onOneMachine } from '../one-machine/on-one-machine.ts';
import type { OneMachine } from '../one-machine/one-machine.ts';
import { say } from '../one-machine/story.ts';
import { inTime, until } from '../one-machine/waiting.ts';
import { PARTS, cities } from './cities.ts';
import { verify } from './verify.ts';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
/** Share of the rows after which the deploy begins, and after which a worker is killed. */
const DEPLOY_AT = 0.25;
const KILL_AT = 0.6;
const REPORT = 'cities-report';
const DEPLOY = 'release-2';

process.exitCode = await onOneMachine(
  { name: 'demo', config: here('lockkeeper.yaml'), schema: readFileSync(here('schema.sql'), 'utf8') },
  async (machine) => {
    await machine.replaceWorkers('v1');
    say(`Importing ${cities.length.toLocaleString('en')} cities in ${PARTS} jobs on two workers of version 1`);
    const started = Date.now();
    const report = await start(machine);

    await rows(machine, DEPLOY_AT);
    say('A deploy: drain, migrate, replace both workers by version 2, resume');
    await machine.deploy(DEPLOY, 'v2', { plan: 'release' });

    await rows(machine, KILL_AT);
    const kill = await machine.strike('SIGKILL');
    say(`SIGKILL to worker ${kill.name} in the middle of ${kill.jobs.length} of the jobs`);

    await inTime(report.result(), 'the import has not ended');
    say(`Done in ${((Date.now() - started) / 1_000).toFixed(1)} s. Counting from the database and the histories`);
    const good = await verify({ machine, workflowId: REPORT, deploy: DEPLOY, kill });
    if (process.argv.includes('--keep'))
      await machine.lookAround([REPORT, 'deploy-coordinator/demo', 'deploy-run/demo']);
    return good;
  },
);

function start({ lockkeeper }: OneMachine) {
  const countries = [...new Set(cities.map((city) => city.country))].sort();
  return lockkeeper.temporal.client.workflow.start('citiesReport', {
    workflowId: REPORT,
    taskQueue: 'imports',
    args: [{ parts: PARTS, countries }],
    staticSummary: 'import all cities, then statistics per country',
  });
}

async function rows({ db }: OneMachine, share: number): Promise<void> {
  const wanted = Math.floor(cities.length * share);
  await until(async () => {
    const { rows: found } = await db.query<{ count: number }>('select count(*)::int as count from city');
    return found[0]!.count >= wanted;
  }, `there are not ${wanted} rows`);
}
