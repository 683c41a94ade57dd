import { expect, test } from 'vitest';
import { notHeard } from '../../src/cli/deploy/finish.ts';
import { mismatch, requestOf } from '../../src/cli/deploy/request.ts';
import { resultLine } from '../../src/cli/deploy/result.ts';
import { isYourTurn } from '../../src/cli/deploy/start.ts';
import { databaseUrlOf } from '../../src/cli/deploy-worker.ts';
import { paintFor } from '../../src/cli/terminal.ts';
import type { PlanConfig } from '../../src/config/index.ts';
import type { DeployStatus, PlanStep, StepState } from '../../src/protocol.ts';

const plain = paintFor({ isTTY: false });

const external: PlanStep = { type: 'external', name: 'ci', timeoutMs: 1, leaseMs: 1, claimWithinMs: 1 };
const command: PlanStep = {
  type: 'command',
  name: 'restart',
  timeoutMs: 1,
  command: { argv: ['true'] },
  idempotent: true,
};
const planOf = (...steps: PlanStep[]): PlanConfig => ({
  parameters: new Map(),
  drain: { deadlineMs: 1, onTimeout: 'abandon', waitMs: 1 },
  steps,
  onFailure: 'hold',
  holdMs: 1,
});
const plans = new Map([
  ['outside', planOf(command, external)],
  ['inside', planOf(command)],
]);

const status = (state: StepState): DeployStatus => ({
  deploy: 'v42',
  environment: 'production',
  code: 500,
  direction: 'forward',
  phase: '',
  token: 1,
  draining: [],
  steps: [{ n: 1, name: 'ci', type: 'external', state }],
});

test('the same command line makes the same request', () => {
  const options = { id: 'v42', plan: 'release', version: '4.2', param: { a: '1' }, requestedBy: 'ann' };
  expect(requestOf(options, { mode: 'lease' })).toEqual({
    id: 'v42',
    plan: 'release',
    version: '4.2',
    parameters: { a: '1' },
    requestedBy: 'ann',
    external: { mode: 'lease' },
  });
  expect(requestOf({ id: 'v42', plan: 'default', requestedBy: 'ann' }, undefined)).toEqual({
    id: 'v42',
    plan: 'default',
    requestedBy: 'ann',
  });
});

test('an external step without a command, and a command without one, are mistakes', () => {
  expect(mismatch({ plans }, 'outside', 'nobody')).toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('external step ci') as string,
  });
  expect(mismatch({ plans }, 'inside', 'command')).toMatchObject({ code: 'USAGE' });
  expect(mismatch({ plans }, 'inside', 'deadline')).toMatchObject({ code: 'USAGE' });
});

test('what fits passes, and a plan that is not known here is left to the deploy worker', () => {
  expect(mismatch({ plans }, 'outside', 'command')).toBeUndefined();
  expect(mismatch({ plans }, 'outside', 'deadline')).toBeUndefined();
  expect(mismatch({ plans }, 'inside', 'nobody')).toBeUndefined();
  expect(mismatch({ plans }, 'elsewhere', 'nobody')).toBeUndefined();
});

test('it is your turn while the external step waits', () => {
  expect((['pending', 'started', 'done', 'failed'] as const).filter((state) => isYourTurn(status(state)))).toEqual([
    'started',
  ]);
});

test('a finish that changes nothing for 10 s was not heard', () => {
  let now = 0;
  const reached = notHeard(0, () => now);
  now = 9_000;
  expect(reached(status('started'))).toBe(false);
  now = 11_000;
  expect(reached(status('pending'))).toBe(false);
  expect(reached(status('done'))).toBe(false);
  expect(() => reached(status('started'))).toThrow('--nonce');
});

test('the last line says how it ended, how long it took and why', () => {
  const deploy = { id: 'v42', environment: 'production' };
  expect(resultLine(deploy, { kind: 'ended', outcome: 'succeeded' }, 32_100, plain)).toBe(
    'deploy v42 of production: succeeded after 32.1 s',
  );
  expect(resultLine(deploy, { kind: 'ended', outcome: 'rolledBack', reason: 'exit 3' }, 900, plain)).toBe(
    'deploy v42 of production: rolledBack after 900 ms: exit 3',
  );
  expect(resultLine(deploy, { kind: 'leaseLost', reason: 'gone' }, 900, plain)).toContain('lease lost');
});

test('a database of the config is found by its variable', () => {
  const config = { databases: new Map([['app', { env: 'APP_URL' }]]) };
  expect(databaseUrlOf(config, 'app', { APP_URL: 'postgres://app' })).toBe('postgres://app');
  expect(() => databaseUrlOf(config, 'app', {})).toThrow('APP_URL, which is not set');
  expect(() => databaseUrlOf(config, 'other', {})).toThrow('no database `other`');
});
