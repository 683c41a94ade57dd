import { beforeAll, describe, expect, test } from 'vitest';
import { WorkflowFailedError } from '@temporalio/client';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import { openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { LONG, held, keyOf, steady } from './steady.ts';
import type { At } from './steady.ts';

/** Once the code has been mended, it takes what it did not take. */
let mended = false;
const parsing = steady('quarantine', 'parsing', {
  initial: { at: 0 },
  parse: (value) => {
    if ((value as At).at === 4 && !mended) throw new Error('no file for 4');
    return value as At;
  },
});
const plain = steady('quarantine', 'plain');
const gone = (more: string) => `delete from lockkeeper._checkpoints where key = $1${more}`;

/** How a job is put into quarantine, what is said of it, and where it goes on by each choice; `again`: it is found so again. */
const CAUSES = {
  'a state that does not parse': {
    job: parsing,
    sql: [],
    reason: 'checkpoint 4 does not parse: no file for 4',
    shows: [/^ {2}4: .*; checkpoint 4 does not parse: no file for 4$/m, /^ {2}3: .*; can be restored$/m],
    continue: 4,
    from: 3,
  },
  'the last two gone': {
    job: plain,
    sql: [gone(' and seq > 2')],
    reason: 'the last checkpoint is not in the ledger',
    shows: [/^ {2}2: state version 1, by build before, key test, .*; can be restored$/m],
    continue: 'again',
    from: 2,
  },
  'all gone': {
    job: plain,
    sql: [gone('')],
    reason: 'the last checkpoint is not in the ledger',
    shows: [/^no checkpoint is kept$/m],
    continue: 'again',
    from: 'refused',
  },
  'a ledger that is behind': {
    job: plain,
    sql: [gone(' and seq > 2'), 'update lockkeeper._jobs set seq = 2 where key = $1'],
    reason: 'the ledger is at checkpoint 2, the workflow was told of 4: the ledger was restored from an older backup',
    shows: [/^ {2}2: .*; not looked at$/m],
    continue: 2,
    from: 2,
  },
  'lost too often': {
    job: plain,
    sql: ['update lockkeeper._jobs set losses = 5, losses_at = seq where key = $1'],
    reason: 'interrupted 5 times without progress since checkpoint 4: does it kill its worker?',
    shows: [/^ {2}4: /m],
    continue: 4,
    from: 3,
  },
} as const;
const CHOICES = ['continue', 'restart', 'from', 'fail'] as const;
const idOf = (cause: string, choice: string) => `${choice}: ${cause}`;

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  const jobs = Object.entries(CAUSES).flatMap(([cause, { job }]) =>
    CHOICES.map((choice) => [idOf(cause, choice), job]),
  );
  await held(scene, Object.fromEntries(jobs) as Record<string, typeof plain>);
  for (const [cause, { sql }] of Object.entries(CAUSES))
    for (const choice of CHOICES) {
      const key = await keyOf(scene, idOf(cause, choice));
      for (const one of sql) await scene.ledger.pool.query(one, [key]);
    }
  await scene.startWorker([parsing, plain], 'after');
  await eventually(async () => expect(await scene.jobs.list({ state: 'quarantined' })).toHaveLength(20), LONG);
}, 60_000);

async function lockkeeper(...args: string[]) {
  const command = new Processes().lockkeeper(args, {
    env: { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl },
  });
  const { code } = await command.ended({ within: 60_000 });
  return { code, stdout: command.stdout, stderr: command.stderr };
}

test('job list --state quarantined has them all, with why', async () => {
  const { code, stdout } = await lockkeeper('job', 'list', '--state', 'quarantined', '--json');
  expect(code).toBe(0);
  const listed = (JSON.parse(stdout) as { workflowId: string; reason: string }[]).map((one) => [
    one.workflowId,
    one.reason,
  ]);
  expect(Object.fromEntries(listed)).toEqual(
    Object.fromEntries(
      Object.entries(CAUSES).flatMap(([cause, { reason }]) => CHOICES.map((choice) => [idOf(cause, choice), reason])),
    ),
  );
});

describe.each(Object.entries(CAUSES))('quarantined for %s', (cause, expected) => {
  test('job show says why, since when, and what it could go on from', async () => {
    const { stdout } = await lockkeeper('job', 'show', idOf(cause, 'continue'));
    expect(stdout).toContain(`reason: ${expected.reason}\n`);
    expect(stdout).toMatch(/^in quarantine since 20/m);
    for (const line of expected.shows) expect(stdout).toMatch(line);
  });

  const release = (choice: string, ...args: string[]) => lockkeeper('job', 'release', idOf(cause, choice), ...args);
  const result = (choice: string) => scene.jobs.handle(idOf(cause, choice)).result();

  test('--restart: it begins again', async () => {
    expect(await release('restart', '--restart')).toMatchObject({ code: 0, stderr: '' });
    expect(await result('restart')).toEqual({ began: 0, at: 6 });
  });

  test('--from: it goes on from there, where it is kept', async () => {
    const told = await release('from', '--from', '9');
    expect(told.code).toBe(2);
    expect(told.stderr).toMatch(/checkpoint 9 of job .* is not kept/);
    if (expected.from === 'refused') return;
    expect(await release('from', '--from', String(expected.from))).toMatchObject({ code: 0, stderr: '' });
    expect(await result('from')).toEqual({ began: expected.from, at: 6 });
  });

  test('--fail: it is given up', async () => {
    expect(await release('fail', '--fail')).toMatchObject({ code: 0, stderr: '' });
    await expect(result('fail')).rejects.toBeInstanceOf(WorkflowFailedError);
    await eventually(async () => expect((await scene.jobs.handle(idOf(cause, 'fail')).row())?.state).toBe('failed'));
  });

  test('--continue: it tries again', async () => {
    mended = true;
    expect(await release('continue', '--continue')).toMatchObject({ code: 0, stderr: '' });
    const job = scene.jobs.handle(idOf(cause, 'continue'));
    if (expected.continue !== 'again') return expect(await job.result()).toEqual({ began: expected.continue, at: 6 });
    await eventually(async () => expect(await job.status()).toMatchObject({ phase: 'quarantined' }), LONG);
    expect((await job.row())?.reason).toBe(expected.reason);
  });
});
