import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { JSON_OUTPUTS } from '../../src/cli/json/index.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import { ENVIRONMENT, command, external, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

const processes = new Processes();
const WITHIN = { within: 60_000 };
const APPROVALS = { count: 2, notRequester: true, expireAfterMs: 86_400_000, allowed: ['ann', 'bob', 'rita'] };
let scene: Scene;
let env: Record<string, string>;

beforeAll(async () => {
  scene = await openScene();
  env = { ...scene.temporal.env, DATABASE_URL: scene.ledger.databaseUrl, LOCKKEEPER_ENVIRONMENT: ENVIRONMENT };
  await scene.startDeployWorker();
});

const as = (user: string, ...args: string[]): TestProcess =>
  processes.lockkeeper(args, { env: { ...env, LOCKKEEPER_USER: user } });
/** What a command says that is expected to end with this code. */
async function said(user: string, args: readonly string[], code = 0): Promise<string> {
  const run = as(user, ...args);
  const ended = await run.ended(WITHIN);
  expect(ended.code, `${args.join(' ')}\n${run.stdout}${run.stderr}`).toBe(code);
  return code === 0 ? run.stdout : run.stderr;
}
/** The same of one with `--json`, held against its documented shape. */
async function json(documented: string, user: string, args: readonly string[]): Promise<Record<string, unknown>> {
  const value = JSON.parse(await said(user, [...args, '--json'])) as Record<string, unknown>;
  const { schema } = JSON_OUTPUTS.find((output) => output.command === documented)!;
  expect(schema.parse(value)).toEqual(value);
  return value;
}

test('one asks, two approve: everybody is told who is missing and what to type, and the record says it all', async () => {
  scene.planOf([external({ leaseMs: 6_000 })], { approvals: APPROVALS });
  const waiting = as('rita', 'deploy', 'run', '--id', 'v42', '--', 'true');
  await waiting.waitForLine(/Deploy v42 waits for approval: 0 of 2/, WITHIN);
  await waiting.waitForLine(
    /Waiting for approval: 0 of 2; ann, bob, rita may approve it but the one who asked for it/,
    WITHIN,
  );
  await waiting.waitForLine(/Approve it with `lockkeeper deploy approve v42`/);
  expect(await said('rita', ['deploy', 'approve', 'v42'], 5)).toMatch(
    /rita asked for it, and somebody else must approve it.*\[APPROVAL_REFUSED\]/s,
  );
  expect(await said('eve', ['deploy', 'approve', 'v42'], 5)).toContain('eve is not among those who may approve it');
  expect(await said('ann', ['deploy', 'approve', 'v42'])).toContain('waits for approval: 1 of 2 (ann)');
  await waiting.waitForLine(/Waiting for approval: 1 of 2 \(ann\); bob, rita may/, WITHIN);
  expect(await json('deploy revoke', 'ann', ['deploy', 'revoke', 'v42', '--reason', 'not yet'])).toMatchObject({
    code: 100,
    waitsFor: { kind: 'approval', by: [] },
  });
  expect(await json('deploy approve', 'ann', ['deploy', 'approve', 'v42', '--reason', 'now'])).toMatchObject({
    waitsFor: { by: ['ann'] },
  });
  for (const args of [['deploy', 'list'], ['board'], ['deploy', 'show', 'v42']])
    expect(await said('ann', args)).toContain('waits for approval: 1 of 2 (ann)');
  expect(await said('bob', ['deploy', 'approve', 'v42'])).toMatch(
    /approved by bob: deploy v42 of test is approved, number \d+/,
  );
  expect(await waiting.ended(WITHIN)).toMatchObject({ code: 0 });
  const audit = await said('ann', ['deploy', 'show', 'v42', '--audit']);
  const lines = audit.split('\n').map((line) => line.replace(/^\S+ \S+ +/, '').replace(/ {2,}/g, ' | '));
  expect(lines.slice(0, 8)).toEqual([
    'WHEN | WHO | WHAT | WHY',
    'rita | asked for it, plan default | -',
    'lockkeeper | it waits for approval by 2 | -',
    'ann | approved it | -',
    'ann | took the approval back | not yet',
    'ann | approved it | now',
    'bob | approved it | -',
    expect.stringMatching(/^lockkeeper \| it has its place in the order, number \d+ \| -$/) as string,
  ]);
  expect(audit).toContain('it has succeeded');
  expect(await json('deploy show --audit', 'ann', ['deploy', 'show', 'v42', '--audit'])).toMatchObject({
    deploy: 'v42',
  });
}, 180_000);

test('a freeze is told to those who wait, with its end and the ways past it', async () => {
  scene.planOf([external({ leaseMs: 6_000 })]);
  expect(await said('ann', ['freeze', '--reason', 'month’s end', '--until', '2h'])).toMatch(
    /environment test is frozen by ann since .*Z until .*Z: month’s end/,
  );
  const waiting = as('rita', 'deploy', 'run', '--id', 'frozen', '--', 'true');
  await waiting.waitForLine(/Frozen by ann since .* until .*: month’s end/, WITHIN);
  await waiting.waitForLine(
    /`lockkeeper unfreeze --reason …`.*`lockkeeper deploy expedite frozen --through-freeze --reason …`/,
  );
  expect(await said('bob', ['board'])).toMatch(/environment test, frozen by ann/);
  expect(await said('bob', ['deploy', 'list'])).toMatch(/frozen by ann/);
  scene.planOf([{ type: 'wait', name: 'closed', timeoutMs: 60_000 }]);
  const closing = as('bob', 'gates', 'close', '--reason', 'by hand', '--id', 'by-hand');
  await closing.waitForLine(/Frozen by ann/, WITHIN);
  closing.kill('SIGINT');
  expect((await closing.ended(WITHIN)).code).toBe(130);
  scene.planOf([external({ leaseMs: 6_000 })]);
  expect(await said('ann', ['freeze', '--reason', 'r', '--until', 'noon'], 2)).toContain('or a duration such as 2h');
  const passed = ['deploy', 'expedite', 'frozen', '--reason', 'mends it', '--through-freeze'];
  expect(await json('deploy expedite', 'bob', passed)).toMatchObject({ deploy: 'frozen', throughFreeze: true });
  expect(await waiting.ended(WITHIN)).toMatchObject({ code: 0 });
  expect(await json('freeze', 'ann', ['freeze', '--reason', 'longer'])).toMatchObject({ freeze: { reason: 'longer' } });
  expect(await json('unfreeze', 'ann', ['unfreeze', '--reason', 'over'])).toEqual({
    environment: 'test',
    changed: true,
  });
  expect(await said('ann', ['unfreeze', '--reason', 'over'])).toBe('environment test was not frozen\n');
  expect(await said('ann', ['deploy', 'show', 'frozen', '--audit'])).toMatch(
    /bob +put it before all others, through the freeze +mends it/,
  );
}, 180_000);

test('at a time: asked for with a zone, told to those who look, and taken back', async () => {
  scene.planOf([command('one', 'true')]);
  expect(await said('rita', ['deploy', 'run', '--id', 'x', '--scheduled-for', '2027-01-01'], 2)).toContain(
    'Use an ISO time with its zone, such as 2026-03-01T22:00:00+01:00.',
  );
  const waiting = as('rita', 'deploy', 'run', '--id', 'later', '--scheduled-for', '2027-03-01T22:00:00+01:00');
  await waiting.waitForLine(/Scheduled for 2027-03-01 21:00:00Z/, WITHIN);
  expect(await said('ann', ['deploy', 'list'])).toContain('scheduled for 2027-03-01 21:00:00Z');
  await said('ann', ['deploy', 'abort', 'later', '--reason', 'not needed']);
  expect(await waiting.ended(WITHIN)).toMatchObject({ code: 4 });
}, 120_000);

test('held and resumed by hand; whoever looks is told what to type', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'lockkeeper-hold-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  const go = path.join(folder, 'go');
  scene.planOf([command('one', `until [ -e ${go} ]; do sleep 0.1; done`), command('two', 'true')], {
    holdMs: 120_000,
  });
  const running = as('rita', 'deploy', 'run', '--id', 'held');
  await running.waitForLine(/Step 1, one/, WITHIN);
  const waits = as('rita', 'deploy', 'run', '--id', 'behind');
  const hold = ['deploy', 'hold', 'held', '--reason', 'errors are rising', '--until', '90s'];
  expect(await json('deploy hold', 'ann', hold)).toMatchObject({ toBeHeld: { by: 'ann' } });
  writeFileSync(go, '');
  await running.waitForLine(/Held until .*: before step 2, two, by ann: errors are rising/, WITHIN);
  await running.waitForLine(/`lockkeeper deploy resume held --reason …`/);
  expect(await said('ann', ['deploy', 'show', 'behind'])).toMatch(
    /the lock is held by deploy held since \d{4}.*at code 601, step 1 done \(plan default, by rita\)/,
  );
  const shown = await said('ann', ['deploy', 'show', 'held']);
  expect(shown).toMatch(/It waits for you: lockkeeper deploy resume held --reason … \| lockkeeper deploy abort held/);
  expect(shown).toMatch(/it has the lock since \d{4}/);
  await json('deploy resume', 'bob', ['deploy', 'resume', 'held', '--reason', 'it was something else']);
  expect(await running.ended(WITHIN)).toMatchObject({ code: 0 });
  expect(await waits.ended(WITHIN)).toMatchObject({ code: 0 });
  await eventually(() => scene.expectOpen());
}, 180_000);
