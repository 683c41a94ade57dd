import { WorkflowFailedError } from '@temporalio/client';
import { beforeAll, describe, expect, test } from 'vitest';
import { runningClaims } from '../../src/ledger/claims.ts';
import { EFFECT_TABLE, cancellable, count, countUntilTold, failing, large, stubborn } from '../app/count-job.ts';
import { eventually } from '../support/eventually.ts';
import { QUEUE, command, openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await scene.ledger.pool.query(EFFECT_TABLE);
  await scene.startWorker([count, countUntilTold, stubborn, failing, cancellable, large]);
  await scene.startDeployWorker();
});

/** The failure of a job's own code, under Temporal's wrappers. */
async function failureOf(result: Promise<unknown>): Promise<string> {
  const error: unknown = await result.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(WorkflowFailedError);
  let cause: unknown = error;
  while (cause instanceof Error && cause.cause instanceof Error && cause.constructor.name !== 'ApplicationFailure')
    cause = cause.cause;
  return (cause as Error).message;
}

const running = (id: string) =>
  eventually(async () =>
    expect((await runningClaims(scene.ledger, QUEUE)).map((claim) => claim.workflowId)).toContain(id),
  );

describe('a drain', () => {
  test('one that does not yield in time is given up: fenced, shown as not stopped, and goes on after', async () => {
    scene.planOf([command('one', 'echo while closed')], {
      drain: { deadlineMs: 1_000, onTimeout: 'abandon', waitMs: 0 },
    });
    const job = await scene.jobs.start(stubborn, { rounds: 1, everyMs: 12_000 }, { id: 'given-up' });
    await running('given-up');
    expect(await scene.deploy('impatient')).toEqual({ kind: 'ended', outcome: 'succeeded' });
    const fenced = await scene.ledger.pool.query<{ fenced_not_stopped: number }>(
      'select fenced_not_stopped from lockkeeper.gates',
    );
    expect(fenced.rows).toEqual([{ fenced_not_stopped: 1 }]);
    expect(await job.result()).toEqual({ rounds: 1 });
    expect(await scene.costOf('given-up')).toEqual({ attempts: 0, failures: 0 });
    await eventually(async () => {
      const { rows } = await scene.ledger.pool.query(`select from lockkeeper.claims where state = 'fenced'`);
      expect(rows).toEqual([]);
    });
    await scene.expectOpen();
    await scene.record('job-given-up', 'given-up');
  }, 60_000);

  test('onTimeout abort: the deploy fails, the gates open, the job was not disturbed', async () => {
    scene.planOf([command('one', 'echo never')], { drain: { deadlineMs: 500, onTimeout: 'abort', waitMs: 0 } });
    const job = await scene.jobs.start(stubborn, { rounds: 1, everyMs: 3_000 }, { id: 'left-alone' });
    await running('left-alone');
    expect(await scene.deploy('polite')).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('not drained within 0.5 s: numbers') as string,
    });
    expect(scene.output).not.toContain('never');
    expect(await job.result()).toEqual({ rounds: 1 });
    await scene.expectOpen();
  }, 60_000);

  test('onTimeout wait: told as late, and goes on when the job has yielded', async () => {
    scene.planOf([command('one', 'true')], { drain: { deadlineMs: 500, onTimeout: 'wait', waitMs: 30_000 } });
    await scene.jobs.start(stubborn, { rounds: 1, everyMs: 3_000 }, { id: 'waited-for' });
    await running('waited-for');
    const phases: string[] = [];
    expect(await scene.deploy('patient', { on: (status) => phases.push(status.phase) })).toMatchObject({
      outcome: 'succeeded',
    });
    expect(phases).toContain('draining, late: numbers');
    await scene.expectOpen();
  }, 60_000);

  test('jobs may be started while the gate is closed: they begin after it opens', async () => {
    scene.planOf([command('one', 'sleep 3')]);
    let started: Promise<unknown> | undefined;
    let pending: (string | undefined)[][] = [];
    const startOne = async () => {
      await scene.jobs.start(count, { to: 3, everyMs: 0 }, { id: 'late-comer' });
      await eventually(async () => {
        pending = (await scene.jobs.list({ state: 'pending' })).map((job) => [job.workflowId, job.name, job.state]);
        expect(pending).not.toEqual([]);
      });
    };
    const end = await scene.deploy('meanwhile', {
      on: ({ phase }) => void (phase.startsWith('step 1') && (started ??= startOne())),
    });
    await started;
    expect(pending).toContainEqual(['late-comer', 'count', 'pending']);
    expect(end).toMatchObject({ outcome: 'succeeded' });
    expect(await scene.jobs.handle('late-comer').result()).toEqual({ counted: 3 });
    const { rows } = await scene.ledger.pool.query<{ before: boolean }>(
      `select min(e.at) < (select at from lockkeeper.events where deploy = 'meanwhile' and event = 'gateOpened') - interval '100 ms' as before
       from effect e where job = 'late-comer'`,
    );
    expect(rows).toEqual([{ before: false }]);
  }, 60_000);
});

describe('a job', () => {
  test('whose code fails without progress has its retry budget, and then fails with its last words', async () => {
    const job = await scene.jobs.start(failing, { progress: false, times: 9 }, { id: 'fails' });
    expect(await failureOf(job.result())).toBe('failure 1');
    expect(await job.status()).toMatchObject({ phase: 'failed', failures: 3 });
    expect(await job.row()).toMatchObject({ state: 'failed', reason: 'failure 1', interruptions: 0 });
    expect(await scene.costOf('fails')).toEqual({ attempts: 0, failures: 3 });
    await scene.record('job-failed', 'fails');
  });

  test('whose code fails after progress each time is not given up', async () => {
    const job = await scene.jobs.start(failing, { progress: true, times: 5 }, { id: 'advances' });
    expect(await job.result()).toBe('good in the end');
    await scene.record('job-retried', 'advances');
  });

  test('that is cancelled compensates in its own transaction', async () => {
    const job = await scene.jobs.start(cancellable, { to: 10_000 }, { id: 'cancelled' });
    await running('cancelled');
    await job.cancel();
    expect(await job.result().catch((error: Error) => error.cause?.constructor.name)).toBe('CancelledFailure');
    const { rows } = await scene.ledger.pool.query(`select n, build from effect where job = 'cancelled'`);
    expect(rows).toEqual([{ n: -1, build: 'compensated' }]);
    expect(await job.row()).toMatchObject({ state: 'cancelled' });
    await scene.record('job-cancelled', 'cancelled');
  });

  test('started twice under one id is one job; its handle gives the same result', async () => {
    const first = await scene.jobs.start(count, { to: 5, everyMs: 0 }, { id: 'same' });
    const again = await scene.jobs.start(count, { to: 5, everyMs: 0 }, { id: 'same' });
    expect(await Promise.all([first.result(), again.result()])).toEqual([{ counted: 5 }, { counted: 5 }]);
    const after = await scene.jobs.start(count, { to: 5, everyMs: 0 }, { id: 'same' });
    expect(await after.result()).toEqual({ counted: 5 });
    const { rows } = await scene.ledger.pool.query<{ n: number }>(
      `select count(*)::int as n from effect where job = 'same'`,
    );
    expect(rows).toEqual([{ n: 5 }]);
    await scene.record('job-done', 'same');
  });

  test('with a result of 5 MB: it stays in the ledger and comes from there', async () => {
    const job = await scene.jobs.start(large, { bytes: 5_000_000 }, { id: 'five-megabytes' });
    expect((await job.result()).length).toBe(5_000_000);
  });

  test('with a result of 50 MB: it fails with clear words, once', async () => {
    const job = await scene.jobs.start(large, { bytes: 50_000_000 }, { id: 'fifty-megabytes' });
    expect(await failureOf(job.result())).toContain(
      'the result has 50000002 bytes of JSON, at most 8388608 are possible',
    );
    expect(await scene.costOf('fifty-megabytes')).toEqual({ attempts: 0, failures: 1 });
  });

  test('tells its progress until it has ended', async () => {
    const job = await scene.jobs.start(count, { to: 60, everyMs: 30 }, { id: 'told' });
    const seen: (number | undefined)[] = [];
    for await (const row of job.progress()) seen.push(row.progress.done);
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.at(-1)).toBe(60);
  });
});

test('a job that is interrupted again and again continues as new, and counts on', async () => {
  scene.planOf([command('one', 'true')]);
  const job = await scene.jobs.start(countUntilTold, undefined, { id: 'long-lived' });
  const first = (await scene.temporal.client.workflow.getHandle('long-lived').describe()).runId;
  for (let i = 1; ; i += 1) {
    await running('long-lived');
    await scene.deploy(`again-${i}`);
    const { runId, status } = await scene.temporal.client.workflow.getHandle('long-lived').describe();
    expect(status.name).toBe('RUNNING');
    if (runId !== first) break;
  }
  await scene.record('job-continued-as-new', 'long-lived', first);
  // Its id still stands for this input and no other.
  await scene.jobs.start(countUntilTold, undefined, { id: 'long-lived' });
  const another = scene.jobs.start(countUntilTold, { other: 1 }, { id: 'long-lived' });
  await expect(another).rejects.toMatchObject({ code: 'JOB_EXISTS' });
  expect((await job.status()).interruptions).toBeGreaterThan(2);
  await scene.ledger.pool.query(`insert into effect (job, n, build) values ('long-lived', -1, 'test')`);
  const { counted } = await job.result();
  const { rows } = await scene.ledger.pool.query(
    `select count(*)::int as all, count(distinct n)::int as different from effect where job = 'long-lived' and n >= 0`,
  );
  expect(rows).toEqual([{ all: counted, different: counted }]);
}, 180_000);

describe('a quarantined job', () => {
  const quarantine = async (id: string) => {
    const job = await scene.jobs.start(stubborn, { rounds: 3, everyMs: 300 }, { id });
    await eventually(async () => expect((await job.row())?.state).toBe('running'));
    await scene.ledger.pool.query(`update lockkeeper._jobs set losses = 5, losses_at = seq where workflow_id = $1`, [
      id,
    ]);
    // As if its worker had been lost for the fifth time: the next claim finds the budget used up.
    await scene.ledger.pool.query(`update lockkeeper._jobs set claim = null where workflow_id = $1`, [id]);
    await eventually(async () => expect(await job.status()).toMatchObject({ phase: 'quarantined' }), {
      within: 20_000,
    });
    return job;
  };

  test('waits, says why, and goes on when a person releases it', async () => {
    const job = await quarantine('stuck');
    expect((await job.status()).reason).toContain('interrupted 5 times without progress');
    await expect(job.release({ action: 'from', seq: 0 })).rejects.toMatchObject({ code: 'USAGE' });
    await job.release({ action: 'continue' });
    expect(await job.result()).toEqual({ rounds: 3 });
    await expect(job.release({ action: 'continue' })).rejects.toThrow();
    await scene.record('job-quarantined-released', 'stuck');
  }, 40_000);

  test('can be released to fail', async () => {
    const job = await quarantine('hopeless');
    await job.release({ action: 'fail' });
    expect(await failureOf(job.result())).toContain('released to fail');
    expect(await job.row()).toMatchObject({ state: 'failed' });
    await expect(job.cancel()).rejects.toMatchObject({ code: 'USAGE' });
  }, 40_000);

  test('can be released to begin anew', async () => {
    const job = await quarantine('anew');
    await job.release({ action: 'restart' });
    expect(await job.result()).toEqual({ rounds: 3 });
  }, 40_000);
});
