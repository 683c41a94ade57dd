import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { Processes } from '../support/processes.ts';
import { PROJECT, readPage } from './pages.ts';
import { Terminals } from './terminals.ts';

const MAIN = join(PROJECT, 'dist/cli/main.js');

/** The package stands in for what npm would fetch, the build that is here; and servers take any free port. */
const STAND_INS = {
  npm: `
if [ "$1" = install ]; then
  mkdir -p node_modules/.bin
  ln -sfn "${PROJECT}" node_modules/lockkeeper
  ln -sfn "${MAIN}" node_modules/.bin/lockkeeper
  exit
fi
[ "$1 $2" = 'run dev' ] && set -- "$@" -- --temporal-port 0 --ui-port 0 --postgres-port 0
PATH="\${PATH#*:}" exec npm "$@"`,
  npx: `
shift
exec node "${MAIN}" "$@"`,
};

test('the first run of the introduction, word for word, in an empty folder', { timeout: 300_000 }, async () => {
  const page = readPage('docs/introduction.md');
  const processes = new Processes();
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-first-run-'));
  // Postgres runs as another user when we are root.
  await chmod(folder, 0o755);
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const bin = join(folder, 'bin');
  const env = { ...(await standIns(bin)), TEMPORAL_ADDRESS: undefined, DATABASE_URL: undefined };
  const terminals = new Terminals(processes, { cwd: folder, env });
  try {
    for (const block of page.blocks) await terminals.follow(block);
    expect(await terminals.get('job').ended()).toEqual({ code: 0, signal: null });
  } finally {
    await terminals.end();
  }
});

async function standIns(bin: string): Promise<{ PATH: string }> {
  await mkdir(bin);
  for (const [name, text] of Object.entries(STAND_INS))
    await writeFile(join(bin, name), `#!/bin/sh${text}\n`, { mode: 0o755 });
  return { PATH: `${bin}:${process.env['PATH']}` };
}
