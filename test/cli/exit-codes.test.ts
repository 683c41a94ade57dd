import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  EXIT,
  EXIT_CODES,
  errorsOf,
  exitCodeOfDeploy,
  exitCodeOfError,
  exitCodeOfSignal,
} from '../../src/cli/exit-codes.ts';
import { ERROR_CODES, LockkeeperError } from '../../src/errors.ts';
import type { ErrorCode } from '../../src/errors.ts';

test.each([
  ['succeeded', 0],
  ['failed', 1],
  ['rolledBack', 3],
  ['aborted', 4],
] as const)('a deploy that %s exits with %i', (outcome, code) => {
  expect(exitCodeOfDeploy({ kind: 'ended', outcome })).toBe(code);
});

test('a lost lease is 6, a timeout 7', () => {
  expect(exitCodeOfDeploy({ kind: 'leaseLost', reason: '' })).toBe(6);
  expect(exitCodeOfDeploy({ kind: 'timedOut', reason: '' })).toBe(7);
});

test('an interrupted wait exits as the signal would have it', () => {
  expect(exitCodeOfDeploy({ kind: 'interrupted', reason: '' }, 'SIGINT')).toBe(130);
  expect(exitCodeOfDeploy({ kind: 'interrupted', reason: '' }, 'SIGTERM')).toBe(143);
  expect(exitCodeOfSignal('SIGTERM')).toBe(143);
});

test.each<[ErrorCode, number]>([
  ['USAGE', 2],
  ['CONFIG_INVALID', 2],
  ['JOB_UNKNOWN', 2],
  ['JOB_EXISTS', 5],
  ['DEPLOY_NOT_FOUND', 2],
  ['DEPLOY_CONFLICT', 5],
  ['DEPLOY_INVALID', 5],
  ['LEASE_TAKEN', 5],
  ['LEASE_LOST', 6],
  ['TIMED_OUT', 7],
  ['TEMPORAL_UNREACHABLE', 8],
  ['LEDGER_UNREACHABLE', 8],
  ['NO_DEPLOY_WORKER', 8],
  ['JOB_FAILED', 1],
])('%s exits with %i', (code, exit) => {
  expect(exitCodeOfError(new LockkeeperError(code, 'x'))).toBe(exit);
});

test('an error that nobody named exits with 1', () => {
  expect(exitCodeOfError(new TypeError('x'))).toBe(EXIT.failed);
});

test('the table has every exit code once, and every error in one of its rows', () => {
  const codes = EXIT_CODES.flatMap((row) => row.codes);
  expect(codes).toEqual([...Object.values(EXIT), 130, 143]);
  expect(codes.flatMap(errorsOf).sort()).toEqual([...ERROR_CODES].sort());
});

test("the README's table is the one of `lockkeeper help exit-codes`", () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const rows = [...readme.matchAll(/^\| (\d[\d, ]*?) +\| (.*?) +\|$/gm)].map(([, codes, meaning]) => [codes, meaning]);
  expect(rows).toEqual(EXIT_CODES.map(({ codes, meaning }) => [codes.join(', '), meaning]));
});
