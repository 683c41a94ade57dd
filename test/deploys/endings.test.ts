import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readDeploy } from '../../src/ledger/deploys.ts';
import { deployRunId, deployStepId } from '../../src/protocol.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { ENVIRONMENT, command, external, openScene, undo } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

let scene: Scene;
let folder: string;
beforeAll(async () => {
  scene = await openScene();
  await scene.startDeployWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'lockkeeper-endings-'));
  atEnd(() => rmSync(folder, { recursive: true }));
});

const operate = (deploy: string, action: 'abort' | 'retryStep' | 'skipStep') =>
  scene.deploys.operate({ deploy, action, reason: 'the test says so', by: 'test' });
const row = (id: string) => readDeploy(scene.ledger, ENVIRONMENT, id);
/** Does something once, when the deploy enters a phase; what it throws fails the test. */
function when(phase: string, act: () => Promise<unknown>) {
  let done: Promise<unknown> | undefined;
  return {
    on: (status: { phase: string }) => void (status.phase.startsWith(phase) && (done ??= act())),
    settled: () => done,
  };
}

describe('in every ending the gates open', () => {
  test('succeeded: all steps in order, code 900', async () => {
    scene.planOf([command('one', 'echo one'), command('two', 'echo two')]);
    expect(await scene.deploy('good')).toEqual({ kind: 'ended', outcome: 'succeeded' });
    expect(scene.output.slice(-2)).toEqual(['one', 'two']);
    expect(await row('good')).toMatchObject({ code: 900, outcome: 'succeeded', direction: 'forward' });
    expect(await scene.steps('good')).toEqual(['one done', 'two done']);
    await scene.expectOpen();
    await scene.record('deploy-run-succeeded', deployRunId(ENVIRONMENT));
    await scene.record('deploy-step-command', deployStepId(ENVIRONMENT, 'good', 1, 'one'));
  });

  test('a step fails: the started steps are undone in reverse', async () => {
    scene.planOf([
      command('one', 'echo one', undo('echo undo one')),
      command('two', 'echo oops; exit 3', undo('echo undo two')),
      command('three', 'echo three'),
    ]);
    const end = await scene.deploy('bad');
    expect(end).toMatchObject({
      outcome: 'rolledBack',
      reason: expect.stringContaining('the command exited with 3: oops') as string,
    });
    expect(scene.output.slice(-4)).toEqual(['one', 'oops', 'undo two', 'undo one']);
    expect(await scene.steps('bad')).toEqual(['one compensated', 'two compensated', 'three pending']);
    expect(await row('bad')).toMatchObject({ code: 601, outcome: 'rolledBack', direction: 'back' });
    await scene.expectOpen();
    await scene.record('deploy-run-rolled-back', deployRunId(ENVIRONMENT));
    await scene.record('deploy-step-rollback', deployStepId(ENVIRONMENT, 'bad', 1, 'one-rollback'));
  });

  test('a step fails that cannot be undone: failed, and it is said', async () => {
    scene.planOf([command('one', 'true'), command('two', 'false')]);
    expect(await scene.deploy('stays')).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('not undone: two, one') as string,
    });
    await scene.expectOpen();
  });

  test('a command that does not exist: failed with its name', async () => {
    scene.planOf([{ ...command('one', ''), command: { argv: ['no-such-program'] } } as never]);
    const failed = { outcome: 'failed', reason: expect.stringContaining('no-such-program') as string };
    expect(await scene.deploy('missing')).toMatchObject(failed);
    // Also when somebody else's deploy has run since, and its own run is not found any more.
    scene.planOf([command('two', 'true')]);
    expect(await scene.deploy('another')).toMatchObject({ outcome: 'succeeded' });
    expect(await scene.deploy('missing')).toMatchObject(failed);
    await scene.expectOpen();
  });

  test('aborted while a command runs: the command is ended first', async () => {
    scene.planOf([command('long', `trap 'touch ${folder}/ended; exit 1' TERM; sleep 30 & wait`)]);
    const abort = when('step 1', () => operate('stop', 'abort'));
    expect(await scene.deploy('stop', abort)).toMatchObject({
      outcome: 'aborted',
      reason: 'aborted by test: the test says so',
    });
    await abort.settled();
    expect(await scene.steps('stop')).toEqual(['long failed']);
    await scene.expectOpen();
    await scene.record('deploy-run-aborted', deployRunId(ENVIRONMENT));
    await scene.record('deploy-step-cancelled', deployStepId(ENVIRONMENT, 'stop', 1, 'long'));
  });

  test('cancelled in Temporal: the same', async () => {
    scene.planOf([command('long', 'sleep 30')]);
    const cancel = when('step 1', () => scene.temporal.client.workflow.getHandle(deployRunId(ENVIRONMENT)).cancel());
    expect(await scene.deploy('cancelled', cancel)).toMatchObject({
      outcome: 'aborted',
      reason: 'cancelled in Temporal',
    });
    await cancel.settled();
    expect(await scene.steps('cancelled')).toEqual(['long failed']);
    await scene.expectOpen();
    await scene.record('deploy-run-cancelled', deployRunId(ENVIRONMENT));
  });

  test('terminated in Temporal: its step is stopped, then its gates open, then it has failed', async () => {
    scene.planOf([command('long', `touch ${folder}/began; sleep 60; touch ${folder}/went-on`)]);
    const terminate = when('step 1', async () => {
      // The ledger has the step before its workflow is there.
      await eventually(() => expect(existsSync(path.join(folder, 'began'))).toBe(true));
      return scene.temporal.client.workflow.getHandle(deployRunId(ENVIRONMENT)).terminate('by the test');
    });
    expect(await scene.deploy('terminated', terminate)).toMatchObject({
      outcome: 'failed',
      reason: 'its run ended as TERMINATED: by the test',
    });
    await terminate.settled();
    expect(await scene.steps('terminated')).toEqual(['long inDoubt']);
    const step = await scene.temporal.client.workflow
      .getHandle(deployStepId(ENVIRONMENT, 'terminated', 1, 'long'))
      .describe();
    expect(step.status.name).not.toBe('RUNNING');
    await scene.expectOpen();
  });

  test('a migration that does not parse: failed, nothing of it is there', async () => {
    const migrations = path.join(folder, 'migrations');
    mkdirSync(migrations);
    writeFileSync(path.join(migrations, 'README.md'), 'not a migration');
    writeFileSync(path.join(migrations, '001_good.sql'), '-- Up Migration\ncreate table good_migration (n integer);\n');
    scene.planOf([{ type: 'migrate', name: 'schema', timeoutMs: 10_000, directory: migrations, database: 'ledger' }]);
    expect(await scene.deploy('migrated')).toMatchObject({ outcome: 'succeeded' });
    await scene.record('deploy-step-migrate', deployStepId(ENVIRONMENT, 'migrated', 1, 'schema'));
    writeFileSync(
      path.join(migrations, '002_bad.sql'),
      '-- Up Migration\ncreate table half_done (n integer); create table (;\n',
    );
    expect(await scene.deploy('not-migrated')).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('syntax error') as string,
    });
    const { rows } = await scene.ledger.pool.query<{ good: string | null; half: string | null }>(
      `select to_regclass('good_migration')::text as good, to_regclass('half_done')::text as half`,
    );
    expect(rows).toEqual([{ good: 'good_migration', half: null }]);
    await scene.expectOpen();
  });

  test('held after a failure: a person has the step tried again', async () => {
    scene.planOf([command('flaky', `test -f ${folder}/flag || { touch ${folder}/flag; exit 1; }`)], {
      onFailure: 'hold',
    });
    const retry = when('held', () => operate('held', 'retryStep'));
    expect(await scene.deploy('held', retry)).toEqual({ kind: 'ended', outcome: 'succeeded' });
    await retry.settled();
    expect(await scene.steps('held')).toEqual(['flaky done']);
    await scene.expectOpen();
    await scene.record('deploy-run-held-retried', deployRunId(ENVIRONMENT));
  });

  test('held and skipped by a person', async () => {
    scene.planOf([command('never', 'false'), command('then', 'true')], { onFailure: 'hold' });
    const skip = when('held', () => operate('skipped', 'skipStep'));
    expect(await scene.deploy('skipped', skip)).toEqual({ kind: 'ended', outcome: 'succeeded' });
    expect(await scene.steps('skipped')).toEqual(['never skipped', 'then done']);
    await scene.expectOpen();
  });

  test('held and nobody comes: rolled back at its deadline', async () => {
    scene.planOf([command('never', 'false', undo('true'))], { onFailure: 'hold', holdMs: 1_000 });
    expect(await scene.deploy('forgotten')).toMatchObject({
      outcome: 'rolledBack',
      reason: expect.stringContaining('nobody decided within 1 s') as string,
    });
    await scene.expectOpen();
  });
});

describe('an operation is refused', () => {
  test('when it names another deploy than the one that runs, or comes too late', async () => {
    scene.planOf([command('one', 'sleep 1')]);
    const wrong = when('step 1', () =>
      expect(operate('another', 'abort')).rejects.toMatchObject({ code: 'DEPLOY_NOT_CURRENT' }),
    );
    const early = when('step 1', () => expect(operate('mine', 'skipStep')).rejects.toMatchObject({ code: 'USAGE' }));
    const end = await scene.deploy('mine', { on: (status) => (wrong.on(status), early.on(status)) });
    await Promise.all([wrong.settled(), early.settled()]);
    expect(end).toEqual({ kind: 'ended', outcome: 'succeeded' });
  });
});

describe('the outside world does a step', () => {
  test('under the lease: the command runs while the gates are closed', async () => {
    scene.planOf([external()]);
    const states: string[] = [];
    const end = await scene.deploy('lease', {
      command: ['bash', '-c', 'sleep 4; echo deployed'],
      onEvent: (event) => void (event.kind === 'commandStarted' && states.push('started')),
    });
    expect(end).toEqual({ kind: 'ended', outcome: 'succeeded' });
    expect(states).toEqual(['started']);
    expect(scene.output.at(-1)).toBe('deployed\n');
    await scene.expectOpen();
    await scene.record('deploy-step-external', deployStepId(ENVIRONMENT, 'lease', 1, 'ci'));
  });

  test('the command fails: its exit code is the reason', async () => {
    scene.planOf([external()]);
    expect(await scene.deploy('lease-fails', { command: ['bash', '-c', 'exit 7'] })).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('the command exited with 7') as string,
    });
    await scene.expectOpen();
  });

  test('nobody takes the lease: failed after its time, although somebody was there before the gates closed', async () => {
    scene.planOf([external({ claimWithinMs: 1_000 })]);
    expect(await scene.deploy('nobody')).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('nobody took the lease within 1 s') as string,
    });
    await scene.expectOpen();
  });

  test('the holder falls silent: in doubt, held, then over; a second wrapper cannot take the lease', async () => {
    scene.planOf([external({ leaseMs: 1_500 })], { holdMs: 2_000 });
    let stolen: Promise<unknown> | undefined;
    const silent = when('step 1', async () => {
      const { workflowId } = await eventually(async () => {
        const where = await scene.deploys.find('silent');
        const step = where.at === 'running' ? await scene.deploys.leases.waiting(where.status) : undefined;
        if (!step) throw new Error('no step waits for a lease');
        return step;
      });
      await scene.deploys.leases.take(workflowId, 'silent', 'nonce-of-the-first');
      stolen = expect(scene.deploys.leases.take(workflowId, 'silent', 'nonce-of-another')).rejects.toMatchObject({
        code: 'LEASE_TAKEN',
      });
    });
    const end = await scene.deploy('silent', silent);
    await silent.settled();
    await stolen;
    expect(end).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('lease lost') as string });
    expect(await scene.steps('silent')).toEqual(['ci inDoubt']);
    await scene.expectOpen();
    await scene.record('deploy-run-lease-lost', deployRunId(ENVIRONMENT));
    await scene.record('deploy-step-lease-lost', deployStepId(ENVIRONMENT, 'silent', 1, 'ci'));
  });

  test('by bare signals: deployFinish with the nonce ends it, another nonce does not', async () => {
    scene.planOf([external()]);
    const finish = when('step 1', async () => {
      await scene.deploys.finish({ deploy: 'signals', nonce: 'a-wrong-one', ok: true });
      await scene.deploys.finish({ deploy: 'signals', nonce: 'the-right-one', ok: true, note: 'done by hand' });
    });
    const request = { external: { mode: 'deadline', nonce: 'the-right-one', deadlineMs: 20_000 } } as const;
    expect(await scene.deploy('signals', { request, ...finish })).toEqual({ kind: 'ended', outcome: 'succeeded' });
    const steps = await scene.ledger.pool.query<{ result: unknown }>(
      `select result from lockkeeper.deploy_steps where deploy = 'signals'`,
    );
    expect(steps.rows).toEqual([{ result: { note: 'done by hand' } }]);
    await scene.record('deploy-step-deadline', deployStepId(ENVIRONMENT, 'signals', 1, 'ci'));
  });

  test('by bare signals, never finished: in doubt at its deadline', async () => {
    scene.planOf([external()], { holdMs: 500 });
    const request = { external: { mode: 'deadline', nonce: 'the-right-one', deadlineMs: 1_000 } } as const;
    expect(await scene.deploy('never', { request })).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('no deployFinish within 1 s') as string,
    });
    await scene.expectOpen();
  });
});
