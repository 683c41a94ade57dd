import type { JobRow } from '../../src/ledger/jobs.ts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkInput, definitionOf, readInput } from '../../src/cli/job/input.ts';
import { barred, formatProgress, progressLine, sparingly } from '../../src/cli/job/progress.ts';
import { defineJob } from '../../src/jobs/define-job.ts';

const importCities = defineJob({
  name: 'importCities',
  taskQueue: 'imports',
  parseInput: (value: unknown) => {
    if (typeof value !== 'string') throw new Error('a file name is needed');
    return value;
  },
  state: { initial: 0 },
  async *run(job) {
    yield await Promise.resolve(job.state + 1);
  },
});

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'lockkeeper-cli-'))));
afterAll(() => rm(dir, { recursive: true }));

const row = {
  workflowId: 'import-7',
  state: 'running' as const,
  seq: 12,
  progress: { done: 300, total: 1200, note: 'reading' },
};

test('a job is found by its name; a slip of the fingers is seen', () => {
  expect(definitionOf([importCities], 'importCities')).toBe(importCities);
  expect(() => definitionOf([importCities], 'importCitees')).toThrow('did you mean `importCities`?');
  expect(() => definitionOf([importCities], 'xyz')).toThrow('The config has: importCities');
});

test('input comes from the command line or a file, not from both', async () => {
  const file = join(dir, 'input.json');
  await writeFile(file, '{"from":"file"}');
  await expect(readInput({ input: '{"from":"line"}' })).resolves.toEqual({ from: 'line' });
  await expect(readInput({ inputFile: file })).resolves.toEqual({ from: 'file' });
  await expect(readInput({})).resolves.toBeUndefined();
  await expect(readInput({ input: '1', inputFile: file })).rejects.toMatchObject({ code: 'USAGE' });
  await expect(readInput({ input: '{bad' })).rejects.toMatchObject({ code: 'JOB_INPUT_INVALID' });
  await expect(readInput({ inputFile: join(dir, 'none') })).rejects.toMatchObject({ code: 'USAGE' });
});

test('the job judges its input before it is started', () => {
  expect(() => checkInput(importCities, 'cities.csv')).not.toThrow();
  expect(() => checkInput(importCities, 7)).toThrow('job importCities does not take this input: a file name is needed');
});

test('progress in words', () => {
  expect(progressLine(row)).toBe('import-7 running 300/1200 (25 %), checkpoint 12: reading');
  expect(progressLine({ ...row, progress: {} })).toBe('import-7 running, checkpoint 12');
  expect(progressLine({ ...row, state: 'quarantined', reason: 'it kills its worker' })).toContain(
    'it kills its worker',
  );
  expect(formatProgress({ done: 5 })).toBe('5');
  expect(formatProgress({ done: 999, total: 1000 })).toBe('999/1000 (99 %)');
});

test('where there is a total there is a bar', () => {
  expect(barred(row)).toMatch(/^\[={6} {18}\] import-7 running/);
  expect(barred({ ...row, progress: { done: 5_000, total: 1_200 } })).toMatch(/^\[={24}\] /);
  expect(barred({ ...row, progress: { done: 5 } })).toBe('import-7 running 5, checkpoint 12');
});

test('a log gets every change of state, and progress every 5 s', () => {
  let now = 0;
  const worthALine = sparingly(() => now);
  const seen = (at: number, state: JobRow['state']) => {
    now = at;
    return worthALine({ ...row, state });
  };
  expect([
    seen(0, 'running'),
    seen(500, 'running'),
    seen(900, 'interrupted'),
    seen(1_000, 'running'),
    seen(5_000, 'running'),
    seen(6_000, 'running'),
  ]).toEqual([true, false, true, true, false, true]);
});
