import { setTimeout as delay } from 'node:timers/promises';
import type { App } from './app.ts';
import { clockOf } from './clock.ts';
import { RecordedTerminal } from './recorded-terminal.ts';
import { screensOf } from './screens.ts';
import { draw } from './svg.ts';

const COLUMNS = 94;
const UPPER = 6;
const LOWER = 14;
/** As high as the two others together. */
const WHOLE = 23;
/** As long as a person needs before typing on, milliseconds. */
const TO_READ = 1_400;
const RESULT = /\{"passed":120,"twice":0,"keepers":"v1, v2"\}/;

/** A new project; then a job, and a deploy over it: the job steps aside, goes on in the new code, and has done nothing twice. */
export async function recordDeploy(app: App): Promise<string> {
  const terminals: RecordedTerminal[] = [];
  const open = (rows: number, cwd: string) => {
    const terminal = new RecordedTerminal({ columns: COLUMNS, rows, cwd, env: app.env });
    terminals.push(terminal);
    return terminal;
  };
  try {
    const init = open(WHOLE, app.home);
    await init.run('lockkeeper init my-app');
    await delay(TO_READ);
    await init.run('cd my-app');
    await app.start();

    const job = open(UPPER, app.folder);
    const deploy = open(LOWER, app.folder);
    const jobEnded = await job.begin(`lockkeeper job start passBoats --id boats-1 --input '{"boats":120}' --wait`);
    await job.waitFor(/boats-1 running.* 1\d\/120/);
    await deploy.run('lockkeeper deploy run --id v2 -- ./deploy.sh');
    await jobEnded();
    await job.waitFor(RESULT);
    await job.run('lockkeeper job show boats-1 | head -1');

    const { shownAt, duration } = clockOf(terminals);
    return draw({
      title: 'A deploy in the middle of a job',
      description:
        'lockkeeper init makes a project. Then two terminals: in the upper one a job is started that lets 120 boats through a ' +
        'lock. In the lower one lockkeeper deploy run closes the gates; the job saves its place and steps aside; deploy.sh replaces ' +
        'the worker by one with new code; the gates open. The job goes on from its place and ends: all 120 passed, none twice, by v1 and v2.',
      columns: COLUMNS,
      duration,
      before: {
        title: 'a new project',
        rows: WHOLE,
        screens: await screensOf(init, shownAt),
        until: shownAt(job.shown[0]!.at),
      },
      panes: [
        { title: 'a job', rows: UPPER, screens: await screensOf(job, shownAt) },
        { title: 'a deploy', rows: LOWER, screens: await screensOf(deploy, shownAt) },
      ],
    });
  } finally {
    for (const terminal of terminals) await terminal.close();
  }
}
