import { expect, test } from 'vitest';
import { describeBlockers } from '../../src/cli/deploy/blockers.ts';
import { describeGoingOn, goingOn } from '../../src/cli/deploy/going-on.ts';
import type { DeployStatus } from '../../src/protocol.ts';

const status = (more: Partial<DeployStatus>): DeployStatus => ({
  deploy: 'v42',
  environment: 'production',
  code: 400,
  direction: 'forward',
  phase: 'draining',
  token: 1,
  draining: ['imports', 'reports'],
  steps: [],
  ...more,
});
const blockers = [{ taskQueue: 'imports', jobs: ['import-7', 'import-9'], total: 5 }];

test('a drain shows how long it takes, and of each queue which jobs it waits for', () => {
  const now = goingOn({ kind: 'status', status: status({}) })!;
  expect(describeGoingOn(now, 200_900, blockers)).toBe(
    'draining, 3 m 20 s; imports: import-7, import-9 and 3 more; reports',
  );
});

test('once drained, nothing blocks', () => {
  const now = goingOn({ kind: 'status', status: status({ phase: 'step 1, migrate', draining: [] }) })!;
  expect(describeGoingOn(now, 1_000, blockers)).toBe('step 1, migrate, 1 s');
});

test('a held deploy shows why', () => {
  const now = goingOn({ kind: 'status', status: status({ held: { reason: 'exit 3', until: 0 } }) });
  expect(now).toEqual({ what: 'held for a person: exit 3', draining: [] });
});

test('the command of a deploy has the screen for itself', () => {
  expect(goingOn({ kind: 'commandStarted', step: 'ci' })).toBeUndefined();
  expect(goingOn({ kind: 'commandEnded', step: 'ci', outcome: { kind: 'done' } })?.what).toBe('step ci has ended');
});

test('who waits in line says for whom', () => {
  expect(goingOn({ kind: 'waiting', ahead: [] })?.what).toBe('next in line');
  expect(goingOn({ kind: 'waiting', ahead: ['v40', 'v41'] })?.what).toBe('waiting for deploy v40, v41');
});

test('a queue whose jobs nobody knows is named alone', () => {
  expect(describeBlockers('reports', blockers)).toBe('reports');
  expect(describeBlockers('imports', [{ taskQueue: 'imports', jobs: ['a'], total: 1 }])).toBe('imports: a');
});
