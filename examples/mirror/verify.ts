import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { GraphHandle } from 'lockkeeper';
import { git, refsOf } from './git.ts';
import { slicesIn, spentIn } from '../one-machine/history.ts';
import type { OneMachine } from '../one-machine/one-machine.ts';
import { allAsExpected } from '../one-machine/story.ts';
import type { Places } from './jobs.ts';

/** Looks at the mirrors themselves, at the ledger, the histories and the logs; says whether all is as it must be. */
export async function verify(machine: OneMachine, run: GraphHandle, { from, to }: Places): Promise<boolean> {
  const repositories = readdirSync(from);
  const whole = await count(repositories, (name) => isWhole(path.join(to, name)));
  const same = await count(
    repositories,
    async (name) => (await refsOf(path.join(from, name))) === (await refsOf(path.join(to, name))),
  );
  const others = readdirSync(to).filter((name) => name !== 'report.json' && !repositories.includes(name));

  const rows = await run.jobs(repositories.map((name) => `mirror ${name}`));
  const interrupted = repositories.filter((name) => rows.get(`mirror ${name}`)!.interruptions > 0);
  const { client } = machine.lockkeeper.temporal;
  const histories = await Promise.all([...rows.values()].map(({ workflowId }) => slicesIn(client, workflowId)));
  const spent = await Promise.all([...rows.values()].map(({ workflowId }) => spentIn(client, workflowId)));
  const byHistory = [...rows.keys()].filter((_, i) => histories[i]! > 1).map((node) => node.replace('mirror ', ''));
  const byLog = repositories.filter((name) => beginsIn(machine.state, name) > 1);
  return allAsExpected([
    ['repositories', repositories.length, undefined],
    ['mirrors that git fsck finds whole', whole, repositories.length],
    ['mirrors with the same refs as their repository', same, repositories.length],
    ['half-made ones that were left behind', others.length, 0],
    ['mirrors that were interrupted, by the ledger', interrupted.length, undefined],
    ['mirrors that ran again, by the histories', byHistory.length, interrupted.length],
    // One may be interrupted before it has begun, or before it could say so.
    ['mirrors for which git was started again, by the logs', byLog.length, undefined],
    [
      'mirrors that ran again without having been interrupted',
      without(byHistory, interrupted) + without(byLog, interrupted),
      0,
    ],
    ['mirrors that ran once', repositories.length - byHistory.length, undefined],
    ['failed or timed-out activities in histories', spent.reduce((sum, { failed }) => sum + failed, 0), 0],
  ]);
}

const without = (some: readonly string[], others: readonly string[]) =>
  some.filter((name) => !others.includes(name)).length;

async function count(names: readonly string[], good: (name: string) => Promise<boolean>): Promise<number> {
  return (await Promise.all(names.map(good))).filter(Boolean).length;
}

async function isWhole(repository: string): Promise<boolean> {
  try {
    await git(['fsck', '--full', '--strict'], { in: repository });
    return true;
  } catch (error) {
    console.error(error);
    return false;
  }
}

/** How often a worker has said that it begins with a mirror. */
function beginsIn(state: string, repository: string): number {
  const folder = path.join(state, 'workers');
  const logs = readdirSync(folder).filter((file) => file.endsWith('.log'));
  const lines = logs.flatMap((file) => readFileSync(path.join(folder, file), 'utf8').split('\n'));
  return lines.filter((line) => line.includes('"mirror begins"') && line.includes(`"${repository}"`)).length;
}
