import { expect, test } from 'vitest';
import { deployRunId } from '../../src/protocol.ts';
import { ENVIRONMENT } from '../support/scene.ts';
import { atomic, brief, lasting, repeatable } from './app/jobs.ts';
import { Place } from './place.ts';

// One that cannot save its end because the ledger is away: test/deploys/atomic.test.ts.
const place = await Place.open();
const ONCE = ['begin', 'end'];

async function begun(
  job: typeof atomic | typeof brief | typeof lasting | typeof repeatable,
  id: string,
  workers = 1,
): Promise<void> {
  await place.workers(workers);
  await place.start(job, id, undefined);
  await place.reached(id, 'begin');
}

test.each(['abandon', 'wait', 'abort', 'impatient'])(
  'a deploy, plan %s: an atomic job is waited for past the deadline, and is done once',
  async (plan) => {
    await begun(atomic, `waited-for-${plan}`);
    await place.begin(plan, plan);
    expect(await place.late(plan)).toBe('draining, late: atomic jobs on kinds may still end');
    expect(await place.marks(`waited-for-${plan}`)).toEqual(['begin']);
    await place.tell(`waited-for-${plan}`);
    expect(await place.end(plan)).toMatchObject({ outcome: 'succeeded' });
    expect(await place.result(`waited-for-${plan}`)).toBe('done');
    expect(await place.marks(`waited-for-${plan}`)).toEqual(ONCE);
    expect(await place.scene.costOf(`waited-for-${plan}`)).toEqual({ attempts: 0, failures: 0 });
    if (plan === 'abort') await place.scene.record('deploy-run-waited-for-atomic', deployRunId(ENVIRONMENT));
  },
  90_000,
);

test.each([
  ['abort', 'not drained within 1 s: kinds'],
  ['impatient', 'not drained after all: kinds'],
])(
  'longer than its maxDuration, plan %s: the deploy fails, and the job ends undisturbed',
  async (plan, reason) => {
    await begun(brief, `too-long-${plan}`);
    await place.begin(`late-${plan}`, plan);
    expect(await place.end(`late-${plan}`)).toEqual({ outcome: 'failed', reason });
    await place.tell(`too-long-${plan}`);
    expect(await place.result(`too-long-${plan}`)).toBe('done');
    expect(await place.marks(`too-long-${plan}`)).toEqual(ONCE);
  },
  90_000,
);

test('longer than its maxDuration, onTimeout abandon: given up, and quarantined until a person says what to do', async () => {
  await begun(brief, 'given-up');
  await place.begin('abandoning-it', 'abandon');
  expect(await place.end('abandoning-it')).toMatchObject({ outcome: 'succeeded' });
  expect(await place.quarantined('given-up')).toContain('it is atomic: whether its work was done nobody knows');
  expect(await place.marks('given-up')).toEqual(['begin']);
  await place.scene.jobs.handle('given-up').release({ action: 'fail' });
  await expect(place.result('given-up')).rejects.toThrow();
  // It is still at work where it was given up.
  await place.tell('given-up');
  await place.reached('given-up', 'end');
}, 90_000);

test('the same with onCrash restart: it begins again after the deploy', async () => {
  await begun(repeatable, 'given-up-again');
  await place.begin('abandoning-again', 'abandon');
  expect(await place.end('abandoning-again')).toMatchObject({ outcome: 'succeeded' });
  await place.reached('given-up-again', 'begin', 2);
  await place.tell('given-up-again');
  expect(await place.result('given-up-again')).toBe('done');
}, 90_000);

test('SIGTERM of its worker, which waits for it: done once, and no attempt is spent', async () => {
  await begun(atomic, 'let-finish', 2);
  const holder = await place.holder('let-finish');
  holder.kill('SIGTERM');
  await holder.waitForLine(/stopping/);
  await place.tell('let-finish');
  expect(await holder.ended()).toMatchObject({ code: 0 });
  expect(await place.result('let-finish')).toBe('done');
  expect(await place.marks('let-finish')).toEqual(ONCE);
  expect(await place.scene.costOf('let-finish')).toEqual({ attempts: 0, failures: 0 });
}, 90_000);

test('SIGTERM of its worker, and longer than the grace: quarantined; released, it begins again', async () => {
  await begun(atomic, 'past-its-grace', 2);
  const holder = await place.holder('past-its-grace');
  holder.kill('SIGTERM');
  expect(await holder.ended()).toMatchObject({ code: 1 });
  expect(await place.quarantined('past-its-grace')).toContain('its worker was lost');
  expect(await place.marks('past-its-grace')).toEqual(['begin']);
  await place.tell('past-its-grace');
  await place.scene.jobs.handle('past-its-grace').release({ action: 'restart' });
  expect(await place.result('past-its-grace')).toBe('done');
  expect(await place.marks('past-its-grace')).toEqual(['begin', ...ONCE]);
}, 90_000);

test('SIGKILL of its worker: quarantined, and not begun again by itself', async () => {
  await begun(atomic, 'killed', 2);
  (await place.holder('killed')).kill('SIGKILL');
  expect(await place.quarantined('killed')).toContain('it is atomic: whether its work was done nobody knows');
  expect(await place.marks('killed')).toEqual(['begin']);
  await place.scene.jobs.handle('killed').release({ action: 'fail' });
  await expect(place.result('killed')).rejects.toThrow();
}, 90_000);

test('SIGKILL of its worker, onCrash restart: it begins again at another one', async () => {
  await begun(repeatable, 'killed-again', 2);
  (await place.holder('killed-again')).kill('SIGKILL');
  await place.reached('killed-again', 'begin', 2);
  await place.tell('killed-again');
  expect(await place.result('killed-again')).toBe('done');
  expect(await place.marks('killed-again')).toEqual(['begin', ...ONCE]);
}, 90_000);

test('the server gives a deploy that waits for it as long as it may take', async () => {
  await begun(lasting, 'two-hours');
  await place.begin('patient', 'abandon');
  const run = await place.scene.temporal.client.workflow.getHandle(deployRunId(ENVIRONMENT)).describe();
  const timeout = run.raw.executionConfig?.workflowRunTimeout?.seconds;
  expect(Number(timeout)).toBeGreaterThan(2 * 3600);
  await place.tell('two-hours');
  expect(await place.end('patient')).toMatchObject({ outcome: 'succeeded' });
}, 90_000);
