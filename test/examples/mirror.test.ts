import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { GraphClient } from '../../src/client/graph-client.ts';
import { atEnd } from '../support/at-end.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { freshNamespace } from '../support/fresh-namespace.ts';
import { Processes } from '../support/processes.ts';

const processes = new Processes();
const START = 'examples/mirror/start.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-mirrors-'));
  atEnd(() => rm(folder, { recursive: true }));
  return folder;
}

test('a deploy and a SIGKILL among thirty mirrors: all are whole, and only the interrupted ones ran again', async () => {
  const temporal = await freshNamespace();
  const ledger = await freshLedger({ namespace: temporal.namespace });
  const env = { ...temporal.env, DATABASE_URL: ledger.databaseUrl };
  const example = processes.node(START, [], { env, cwd: await temporaryFolder() });
  const { code } = await example.ended({ within: 170_000 });
  expect(code, `${example.stdout}\n${example.stderr}`).toBe(0);
  expect(example.stdout).toContain('20 cloned, 10 updated, 0 missing');
  expect(example.stdout).toContain('Every mirror is whole, and only the interrupted ones ran again.');

  const run = new GraphClient(temporal.client, ledger).handle('mirror-all');
  const rows = [
    ...(await run.jobs(Array.from({ length: 30 }, (_, n) => `mirror ${String(n).padStart(2, '0')}.git`))).values(),
  ];
  expect(rows).toHaveLength(30);
  const interrupted = rows.filter((row) => row.interruptions > 0);
  // Two workers with three slices each: at most six by the deploy, and one to three by the SIGKILL.
  expect(interrupted.length).toBeGreaterThanOrEqual(1);
  expect(interrupted.length).toBeLessThanOrEqual(9);
}, 180_000);

test('without git it says so in one line, and starts nothing', async () => {
  const cwd = await temporaryFolder();
  const example = processes.node(START, [], { env: { PATH: '/nonexistent' }, cwd });
  expect(await example.ended()).toMatchObject({ code: 1 });
  expect(example.stderr).toBe(
    'This example mirrors git repositories, and there is no git on this machine: install it and try again.\n',
  );
  expect(example.stdout).toBe('');
});
