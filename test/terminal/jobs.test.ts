import { beforeAll, expect, test } from 'vitest';
import { EFFECT_TABLE, countUntilTold } from '../app/count-job.ts';
import { Processes } from '../support/processes.ts';
import { ENVIRONMENT, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { CTRL_C, TestTerminal } from '../support/terminal.ts';

const processes = new Processes();
const WITHIN = { within: 40_000 };
let scene: Scene;
let env: Record<string, string>;

beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl, LOCKKEEPER_ENVIRONMENT: ENVIRONMENT };
});

const watching = (job: string, more: Record<string, string> = {}) =>
  new TestTerminal(
    processes,
    [process.execPath, 'src/cli/main.ts', 'job', 'watch', job],
    { columns: 60, rows: 20 },
    { env: { ...env, ...more } },
  );

test('a job is watched on one line, from waiting for its first slice to its result; in CI on lines of its own', async () => {
  const job = await scene.jobs.start(countUntilTold, undefined, { id: 'counted' });
  const live = watching('counted');
  const left = watching('counted');
  const ci = watching('counted', { CI: 'true' });
  await live.waitFor(/. counted waits for its first slice, \d+ s/, WITHIN);
  await scene.startWorker([countUntilTold]);
  const seen = await live.waitFor(/. counted running for \d+ s, checkpoint \d+/, WITHIN);
  expect(seen.all.filter((line) => line !== '')).toHaveLength(1);
  await left.waitFor(/counted running/, WITHIN);
  left.type(CTRL_C);
  expect(await left.process.ended(WITHIN)).toMatchObject({ code: 130 });
  expect((await left.see()).all.join('').replace('^C', '')).toBe('');
  await ci.waitFor(/^counted running, checkpoint \d+$/m, WITHIN);
  await scene.ledger.pool.query(`insert into effect (job, n, build) values ('counted', -1, 'v1')`);
  const { counted } = await job.result();
  for (const one of [live, ci]) {
    expect(await one.process.ended(WITHIN)).toMatchObject({ code: 0 });
    expect((await one.see()).cursorHidden).toBe(false);
  }
  expect((await live.see()).all.filter((line) => line !== '')).toEqual([`{"counted":${counted}}`]);
  expect(ci.written).not.toContain('\x1b');
}, 120_000);
