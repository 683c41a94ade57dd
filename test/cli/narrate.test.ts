import { expect, test } from 'vitest';
import { NOTHING_TOLD, narrate } from '../../src/cli/deploy/narrate.ts';
import type { DeployEvent } from '../../src/client/run-deploy.ts';
import type { DeployStatus, StepRecord, StepState } from '../../src/protocol.ts';

/** Everything that is told of these events, one after another. */
function told(...events: DeployEvent[]): string[] {
  let so = NOTHING_TOLD;
  return events.flatMap((event) => {
    const { told: now, lines } = narrate(so, event);
    so = now;
    return [...lines];
  });
}

const step = (state: StepState, more: Partial<StepRecord> = {}): StepRecord => ({
  n: 1,
  name: 'migrate',
  type: 'migrate',
  state,
  ...more,
});

function at(phase: string, code: number, more: Partial<DeployStatus> = {}): DeployEvent {
  const status: DeployStatus = {
    deploy: 'v42',
    environment: 'production',
    code,
    direction: 'forward',
    phase,
    token: 1,
    draining: [],
    steps: [],
    ...more,
  };
  return { kind: 'status', status };
}

const waiting = (...ahead: string[]): DeployEvent => ({ kind: 'waiting', ahead });

test('a deploy from request to end, each change once however often it is looked at', () => {
  const events: DeployEvent[] = [
    { kind: 'requested', ticket: { deploy: 'v42', approvalOrder: 7, code: 200 } },
    waiting('v40', 'v41'),
    waiting('v41'),
    waiting(),
    at('closing the gates', 300),
    at('draining', 400, { draining: ['imports', 'reports'] }),
    at('draining', 400, { draining: ['reports'] }),
    at('step 1, migrate', 500, { steps: [step('started')] }),
    at('opening the gates', 700, { steps: [step('done')] }),
    at('waiting to see work move again', 700, { steps: [step('done')] }),
    at('finished', 900, { steps: [step('done')], outcome: 'succeeded' }),
  ];
  const lines = [
    'Deploy v42 is approved, number 7',
    'Waiting for deploys v40, v41',
    'Waiting for deploy v41',
    'Next in line',
    'Closing the gates',
    'Draining: imports, reports',
    'Draining: reports',
    'Gates closed and drained',
    'Step 1, migrate',
    'Step 1 of 1, migrate: done',
    'Opening the gates',
    'Waiting to see work move again',
  ];
  expect(told(...events)).toEqual(lines);
  const [requested, ...looks] = events;
  expect(told(requested!, ...looks.flatMap((event) => [event, event, event]))).toEqual(lines);
});

test('who waits is told for whom, since when, who asked for it, and what to type', () => {
  const holder = {
    deploy: 'v40',
    since: new Date(Date.UTC(2026, 1, 3, 4, 5, 6)),
    summary: 'deploy v40 of 4.0, plan release, by ann',
  };
  const next = 'See it with `lockkeeper deploy show v40`, end it with `lockkeeper deploy abort v40 --reason …`';
  expect(told({ ...waiting('v40'), holder } as DeployEvent)).toEqual([
    'Waiting for deploy v40 of 4.0, plan release, by ann, runs since 2026-02-03 04:05:06Z',
    next,
  ]);
  expect(told({ ...waiting('v40', 'v41'), holder } as DeployEvent)).toEqual([
    'Waiting for deploys v40, v41; deploy v40 of 4.0, plan release, by ann, runs since 2026-02-03 04:05:06Z',
    next,
  ]);
});

test('a drain that was too quick to be seen is told by its code', () => {
  expect(told(at('draining', 400), at('step 1, migrate', 500, { steps: [step('started')] }))).toEqual([
    'Gates closed and drained',
    'Step 1, migrate',
  ]);
});

test('a late drain names what is late once', () => {
  expect(
    told(
      at('draining, late: imports', 400, { draining: ['imports'] }),
      at('draining, late: giving up what is still at work', 400),
    ),
  ).toEqual(['Draining, late: imports']);
});

test('a held deploy says why, until when and what to type; held again, it says so again', () => {
  const held = (until: number) =>
    at('held for a person', 500, {
      steps: [step('failed', { note: 'exit 3' })],
      held: { reason: 'step 1 failed: exit 3', until, step: 1 },
    });
  const first = Date.UTC(2026, 0, 2, 3, 4, 5);
  const lines = told(
    held(first),
    held(first),
    at('step 1, migrate', 500, { steps: [step('started')] }),
    held(first + 60_000),
  );
  expect(lines.slice(1, 4)).toEqual([
    'Step 1 of 1, migrate: failed: exit 3',
    'Held until 2026-01-02T03:04:05.000Z: step 1 failed: exit 3',
    'Decide with `lockkeeper deploy retry-step v42 --reason …`, `skip-step` or `abort`',
  ]);
  expect(lines.slice(4)).toContain('Held until 2026-01-02T03:05:05.000Z: step 1 failed: exit 3');
});

test('silence is told once, and so is its end', () => {
  const silence: DeployEvent = { kind: 'noAnswer', reason: 'no worker' };
  expect(told(waiting(), silence, silence, waiting(), silence)).toEqual([
    'Next in line',
    'Nobody answers, trying again: no worker',
    'There is an answer again',
    'Nobody answers, trying again: no worker',
  ]);
});

test('a request made before says how it ended', () => {
  expect(
    told({ kind: 'requested', ticket: { deploy: 'v42', approvalOrder: 7, code: 900, outcome: 'succeeded' } }),
  ).toEqual(['Deploy v42 was requested before and has succeeded']);
});

test('a doubt is called one', () => {
  expect(told(at('step 1, migrate', 400, { steps: [step('inDoubt', { note: 'worker gone' })] }))).toContain(
    'Step 1 of 1, migrate: in doubt: worker gone',
  );
});

test('a run that is lost is told once', () => {
  const lost: DeployEvent = { kind: 'runLost', how: 'TERMINATED' };
  expect(told(lost, lost)).toEqual(['Its run ended as TERMINATED; what it left is being stopped and opened']);
});

test('the command and its lease', () => {
  expect(
    told(
      { kind: 'commandStarted', step: 'ci' },
      { kind: 'commandEnded', step: 'ci', outcome: { kind: 'failed', reason: 'the command exited with 7' } },
      { kind: 'leaseLost', step: 'ci', how: 'lost' },
      { kind: 'leaseLost', step: 'ci', how: 'cancelled' },
    ),
  ).toEqual([
    'Running your command for step ci',
    'Your command ended: the command exited with 7',
    'The lease of step ci is lost; your command was ended',
    'Step ci was cancelled; your command was ended',
  ]);
});
