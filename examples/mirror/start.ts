/**
 * Mirrors of thirty git repositories, with a deploy and a SIGKILL in the middle: only the interrupted ones run again.
 * `npm run example:mirror`; with `-- --keep` everything stays up afterwards, to be looked at in the Web UI.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GraphHandle } from 'lockkeeper';
import { onOneMachine } from '../one-machine/on-one-machine.ts';
import type { OneMachine } from '../one-machine/one-machine.ts';
import { say } from '../one-machine/story.ts';
import { inTime, until } from '../one-machine/waiting.ts';
import { gitVersion } from './git.ts';
import { mirrorAll } from './graph.ts';
import type { Places } from './jobs.ts';
import { mirror } from './mirror.ts';
import { changeRepository, makeRepositories } from './repositories.ts';
import { verify } from './verify.ts';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const REPOSITORIES = { count: 30, seed: 1986 };
/** Mirrors that are done when the deploy begins, and when a worker is killed. */
const DEPLOY_AT = 7;
const KILL_AT = 18;
const RUN = 'mirror-all';

process.exitCode = (await gitVersion())
  ? await onOneMachine({ name: 'mirror', config: here('lockkeeper.yaml') }, story)
  : noGit();

function noGit(): number {
  console.error(
    'This example mirrors git repositories, and there is no git on this machine: install it and try again.',
  );
  return 1;
}

async function story(machine: OneMachine): Promise<boolean> {
  const places = { from: path.join(machine.state, 'repositories'), to: path.join(machine.state, 'mirrors') };
  await prepare(places);
  machine.env['MIRROR_LINE'] = `'${process.execPath}' '${here('slow-line.ts')}'`;
  await machine.replaceWorkers('v1');

  say('Mirroring all of them over a slow line: a graph of a list, thirty mirrors and a report');
  const started = Date.now();
  const run = await machine.lockkeeper.graphs.start(mirrorAll, places, { id: RUN });
  await mirrored(run, DEPLOY_AT);
  say('A deploy: the workers are replaced by those of version 2');
  await machine.deploy('release-2', 'v2');
  await mirrored(run, KILL_AT);
  const kill = await machine.strike('SIGKILL');
  say(`SIGKILL to worker ${kill.name} in the middle of ${kill.jobs.length} mirrors`);

  const report = await inTime(run.result(), 'the graph has not ended');
  const seconds = ((Date.now() - started) / 1_000).toFixed(1);
  say(`Done in ${seconds} s: ${report.cloned} cloned, ${report.updated} updated, ${report.missing} missing`);
  const good = await verify(machine, run, places);
  if (good) console.log('Every mirror is whole, and only the interrupted ones ran again.');
  if (process.argv.includes('--keep')) await machine.lookAround([RUN, 'deploy-coordinator/mirrors']);
  return good;
}

/** Thirty repositories; every third has a mirror of yesterday, and has changed since. */
async function prepare({ from, to }: Places): Promise<void> {
  const repositories = await makeRepositories(from, REPOSITORIES);
  const known = repositories.filter((_, n) => n % 3 === 0);
  for (const [n, source] of known.entries()) {
    await mirror({ source, target: path.join(to, path.basename(source)) });
    await changeRepository(source, REPOSITORIES.seed + n);
  }
  say(`${repositories.length} repositories; ${known.length} have mirrors of yesterday, and have changed since`);
}

/** Until so many mirrors are done. */
async function mirrored(run: GraphHandle, wanted: number): Promise<void> {
  const nodes = Array.from({ length: REPOSITORIES.count }, (_, n) => `mirror ${String(n).padStart(2, '0')}.git`);
  await until(async () => {
    const rows = [...(await run.jobs(nodes)).values()];
    return rows.filter(({ state }) => state === 'done').length >= wanted;
  }, `there are not ${wanted} mirrors`);
}
