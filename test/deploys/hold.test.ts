import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { readEvents } from '../../src/ledger/event-log.ts';
import { deployRunId } from '../../src/protocol.ts';
import type { Operation } from '../../src/protocol.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { ENVIRONMENT, command, openScene, undo } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.startDeployWorker();
});

const folder = mkdtempSync(path.join(tmpdir(), 'lockkeeper-hold-'));
atEnd(() => rmSync(folder, { recursive: true }));
/** Its first step lasts until {@link goOn}. */
const untilTold = (deploy: string) => `until [ -e ${folder}/${deploy} ]; do sleep 0.05; done; echo one`;
const goOn = (deploy: string) => writeFileSync(path.join(folder, deploy), '');
const planOf = (deploy: string) =>
  scene.planOf([command('one', untilTold(deploy), undo('echo undone')), command('two', 'echo two')]);
const tell = (deploy: string, action: Operation['action'], more: Partial<Operation> = {}) =>
  scene.deploys.operate({ deploy, action, reason: 'errors are rising', by: 'ann', ...more });
const status = async (deploy: string) => {
  const where = await scene.deploys.find(deploy);
  if (where.at !== 'running') throw new Error(`deploy ${deploy} is ${where.at}`);
  return where.status;
};
/** What people did, as the record has it. */
const said = async (deploy: string) =>
  (await readEvents(scene.ledger, ENVIRONMENT, deploy))
    .filter(({ actor }) => actor !== 'lockkeeper' && actor !== 'test')
    .map(({ actor, event, detail }) => `${actor}: ${event}: ${String(detail['reason'])}`);
const begun = (deploy: string) =>
  eventually(async () => expect((await status(deploy)).phase).toContain('step 1'), { within: 20_000 });
const held = (deploy: string) =>
  eventually(async () => expect((await status(deploy)).held).toBeDefined(), { within: 20_000 });

test('held in the middle of a step, a deploy stops before the next one, and goes on when it is resumed', async () => {
  planOf('resumed');
  const end = scene.deploy('resumed');
  await begun('resumed');
  expect(await tell('resumed', 'hold')).toMatchObject({ toBeHeld: { by: 'ann', reason: 'errors are rising' } });
  await expect(tell('resumed', 'hold')).rejects.toThrow(/will be held before its next step already/);
  goOn('resumed');
  await held('resumed');
  expect((await status('resumed')).held!.reason).toBe('before step 2, two, by ann: errors are rising');
  expect(scene.output).toEqual(['one']);
  await expect(tell('resumed', 'hold')).rejects.toThrow(/is held already/);
  await expect(tell('resumed', 'retryStep')).rejects.toThrow(/held before its next step: resume or abort/);
  await expect(tell('resumed', 'skipStep')).rejects.toThrow(/resume or abort/);
  await tell('resumed', 'resume', { by: 'bob', reason: 'it was something else' });
  expect(await end).toEqual({ kind: 'ended', outcome: 'succeeded' });
  expect(scene.output).toEqual(['one', 'two']);
  expect(await said('resumed')).toEqual(['ann: hold: errors are rising', 'bob: resume: it was something else']);
  await scene.record('deploy-run-held-resumed', deployRunId(ENVIRONMENT));
  await scene.expectOpen();
}, 60_000);

test('a hold that has not begun is taken back by a word', async () => {
  planOf('taken-back');
  const end = scene.deploy('taken-back');
  await begun('taken-back');
  await expect(tell('taken-back', 'resume')).rejects.toThrow(/is not held/);
  await tell('taken-back', 'hold');
  expect((await tell('taken-back', 'resume')).toBeHeld).toBeUndefined();
  goOn('taken-back');
  expect(await end).toEqual({ kind: 'ended', outcome: 'succeeded' });
}, 60_000);

test('nobody lets it go on in time: it fails, what was done is undone, and the gates open', async () => {
  scene.output.length = 0;
  planOf('forgotten');
  const end = scene.deploy('forgotten');
  await begun('forgotten');
  const later = (ms: number) => new Date(Date.now() + ms).toISOString();
  await expect(tell('forgotten', 'hold', { until: later(-1_000) })).rejects.toThrow(/would be over/);
  await expect(tell('forgotten', 'hold', { until: later(60_000) })).rejects.toThrow(/held for 20 s at most/);
  await tell('forgotten', 'hold', { until: later(6_000) });
  goOn('forgotten');
  expect(await end).toMatchObject({
    outcome: 'rolledBack',
    reason: expect.stringContaining('held before step 2, two, by ann, and nobody let it go on in time') as string,
  });
  expect(scene.output).toEqual(['one', 'undone']);
  await scene.record('deploy-run-held-forgotten', deployRunId(ENVIRONMENT));
  await scene.expectOpen();
}, 60_000);

test('held, it can be aborted; in its last step it cannot be held any more', async () => {
  planOf('aborted');
  const end = scene.deploy('aborted');
  await begun('aborted');
  await tell('aborted', 'hold');
  goOn('aborted');
  await held('aborted');
  await tell('aborted', 'abort');
  expect(await end).toMatchObject({ outcome: 'aborted' });
  scene.planOf([command('one', untilTold('last-step'))]);
  const last = scene.deploy('last-step');
  await begun('last-step');
  await expect(tell('last-step', 'hold')).rejects.toThrow(/no step is left/);
  goOn('last-step');
  expect(await last).toMatchObject({ outcome: 'succeeded' });
}, 60_000);
