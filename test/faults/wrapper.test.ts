import { expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { listProcesses } from '../../src/commands/process-table.ts';
import { eventually } from '../support/eventually.ts';
import { openScene } from '../support/scene.ts';
import type { TestProcess } from '../support/processes.ts';
import { expectLaws } from './laws.ts';
import { CONFIG, Place, WITHIN } from './place.ts';

/** The command of CI: it says when it begins and ends, and has a child of its own. */
const script = (seconds: number) =>
  `echo "$LOCKKEEPER_DEPLOY begins" >> "$COMMAND_LOG"; sleep ${seconds} & wait; echo "$LOCKKEEPER_DEPLOY ends" >> "$COMMAND_LOG"`;

async function deploying(seconds = 1_000): Promise<{ place: Place; wrapper: TestProcess }> {
  const place = await Place.open(await openScene(), { LOCKKEEPER_DEPLOY: 'd' });
  await place.start('worker', 'deploy-worker');
  const wrapper = place.run(
    'deploy',
    'run',
    '--config',
    CONFIG,
    '--plan',
    'outside',
    '--id',
    'd',
    '--',
    'bash',
    '-c',
    script(seconds),
  );
  return { place, wrapper };
}
const begun = (place: Place) => eventually(() => expect(place.commandLines).toEqual(['d begins']), { within: WITHIN });
const sleeping = (seconds: number) =>
  listProcesses().filter((one) => !one.zombie && JSON.stringify(one).includes(`sleep ${seconds}`));

test('the wrapper is killed while it waits its turn: its deploy closes no gates', async () => {
  const place = await Place.open(await openScene());
  await place.start('worker', 'deploy-worker');
  await place.scene.deploys.order.freeze({ by: 'test', reason: 'so that it waits' });
  const wrapper = place.run('deploy', 'run', '--config', CONFIG, '--plan', 'outside', '--id', 'd', '--', 'true');
  await wrapper.waitForLine(/Frozen by test/, { within: WITHIN });
  wrapper.kill('SIGKILL');
  await wrapper.ended();
  await place.scene.deploys.order.unfreeze({ by: 'test', reason: 'it is gone' });
  expect(await place.outcome('d')).toBe('failed');
  const closed = await place.rows(`select from lockkeeper.events where event = 'gateClosed'`);
  expect(closed).toEqual([]);
  await place.request('next');
  expect(await place.outcome('next')).toBe('succeeded');
  await place.stop();
  await expectLaws(place, ['d', 'next']);
}, 120_000);

test('the wrapper is killed while its command runs: the command goes with it, the deploy is undone, the gates open', async () => {
  const { place, wrapper } = await deploying(1_001);
  await begun(place);
  wrapper.kill('SIGKILL');
  await eventually(() => expect(sleeping(1_001)).toEqual([]), { within: 5_000 });
  expect(await place.outcome('d')).toBe('rolledBack');
  expect(place.commandLines).toEqual(['d begins', 'd is undone']);
  await place.stop();
  await expectLaws(place, ['d']);
}, 120_000);

test('the wrapper is frozen past its lease: its command has ended before the deploy is undone, and it says so when it wakes', async () => {
  const { place, wrapper } = await deploying(1_002);
  await begun(place);
  wrapper.kill('SIGSTOP');
  await eventually(() => expect(sleeping(1_002)).toEqual([]), { within: 4_500 });
  expect(place.commandLines).toEqual(['d begins']);
  expect(await place.outcome('d')).toBe('rolledBack');
  wrapper.kill('SIGCONT');
  expect((await wrapper.ended()).code).not.toBe(EXIT.ok);
  expect(place.commandLines).toEqual(['d begins', 'd is undone']);
  await place.stop();
  await expectLaws(place, ['d']);
}, 120_000);

test('the wrapper is killed before its turn has come: nobody takes the lease, and the next deploy is not held up for long', async () => {
  const { place, wrapper } = await deploying(1_003);
  await eventually(async () => expect(await place.rows('select from lockkeeper.deploys')).toHaveLength(1), {
    within: WITHIN,
    every: 2,
  });
  wrapper.kill('SIGKILL');
  expect(['failed', 'rolledBack', 'aborted']).toContain(await place.outcome('d'));
  await place.request('next');
  expect(await place.outcome('next')).toBe('succeeded');
  await place.stop();
  await expectLaws(place, ['d', 'next']);
}, 120_000);

test('a wrapper that nothing happens to: succeeded', async () => {
  const { place, wrapper } = await deploying(1);
  expect((await wrapper.ended({ within: WITHIN })).code).toBe(EXIT.ok);
  expect(place.commandLines).toEqual(['d begins', 'd ends']);
  await place.stop();
  await expectLaws(place, ['d']);
}, 120_000);
