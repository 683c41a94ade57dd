import type { App } from './app.ts';
import { RecordedTerminal } from './recorded-terminal.ts';
import { wholeOf } from './screens.ts';
import { draw } from './svg.ts';

const COLUMNS = 94;
/** Of `lockkeeper help exit-codes`. */
const TIMED_OUT = 7;

/** Somebody has closed the gates, and a deploy waits: who holds them, and what to do about it. */
export async function recordStuck(app: App): Promise<string> {
  const terminal = new RecordedTerminal({ columns: COLUMNS, rows: 24, cwd: app.folder, env: app.env, spaced: true });
  try {
    await terminal.run('lockkeeper job start passBoats --id boats-2');
    await terminal.run('lockkeeper gates close --id moving --reason "the database is being moved"');
    await terminal.run('lockkeeper board');
    await terminal.run('lockkeeper deploy run --id v3 --timeout 3s -- ./deploy.sh', TIMED_OUT);
    await terminal.run('lockkeeper gates open --reason "it is moved"');
    const all = await wholeOf(terminal);
    const lines = all.slice(all.findIndex((line) => line.length > 0));
    return draw({
      title: 'Who holds the gates, and what to do about it',
      description:
        'A terminal. Gates are closed by hand with a reason; the board shows them closed and the job waiting; ' +
        'a deploy that waits behind them says for whom; gates open lets the work go on.',
      columns: COLUMNS,
      duration: 0,
      panes: [{ title: '~/my-app', rows: lines.length, screens: [{ at: 0, lines }] }],
    });
  } finally {
    await terminal.close();
  }
}
