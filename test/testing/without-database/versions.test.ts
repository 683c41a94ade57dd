import { describe, expect, test } from 'vitest';
import { defineJob } from '../../../src/jobs/index.ts';
import { everyInterruption, runJobInTest } from '../../../src/testing.ts';

interface State {
  readonly row: number;
  readonly skipped: number;
}
/** Version 1 was `{ line, skipped }`. */
const copying = (migrate: (old: { line: number; skipped: number }) => unknown) =>
  defineJob({
    name: 'copying',
    taskQueue: 'q',
    state: {
      version: 2,
      initial: { row: 0, skipped: 0 },
      migrate: { 1: migrate },
      parse: (value): State => {
        const { row, skipped } = value as Partial<State>;
        if (typeof row !== 'number') throw new Error('row is not a number');
        return { row, skipped: skipped ?? 0 };
      },
    },
    async *run(job, input: { rows: number }) {
      let { skipped } = job.state;
      for (let row = job.state.row + 1; row <= input.rows; row += 1) {
        if (row % 2 === 0) skipped += 1;
        yield { row, skipped };
      }
      return { skipped };
    },
  });

const good = copying(({ line, skipped }) => ({ row: line, skipped }));
const old = { version: 1, state: { line: 4, skipped: 2 } };

describe('a state of an older version', () => {
  test('is migrated and parsed, and the job goes on from it', async () => {
    const run = await runJobInTest(good, { rows: 6 }, { resumeFrom: old });
    expect(run.slices).toEqual([{ from: { row: 4, skipped: 2 }, end: 'done' }]);
    expect(run.result).toEqual({ skipped: 3 });
  });

  test('of which a field is lost on the way shows', async () => {
    const losing = copying(({ line }) => ({ row: line }));
    const run = await runJobInTest(losing, { rows: 6 }, { resumeFrom: old });
    expect(run.slices[0]?.from).toEqual({ row: 4, skipped: 0 });
    expect(run.result).not.toEqual({ skipped: 3 });
  });

  test('that cannot be migrated or parsed: quarantined, with the reason that production has', async () => {
    const wrong = copying(() => ({ place: 4 }));
    await expect(runJobInTest(wrong, { rows: 6 }, { resumeFrom: old })).rejects.toMatchObject({
      code: 'JOB_QUARANTINED',
      message: expect.stringContaining('checkpoint 1 does not parse: row is not a number') as string,
    });
    await expect(runJobInTest(good, { rows: 6 }, { resumeFrom: { version: 3, state: {} } })).rejects.toThrow(
      /has state version 3, this code knows 2/,
    );
  });

  test('is not migrated again after an interruption', async () => {
    const run = await runJobInTest(good, { rows: 6 }, { resumeFrom: old, interruptAt: 1 });
    expect(run.slices.map(({ from }) => from)).toEqual([
      { row: 4, skipped: 2 },
      { row: 5, skipped: 2 },
    ]);
  });

  test('is migrated again after a kill that came before anything else was saved', async () => {
    const run = await runJobInTest(good, { rows: 6 }, { resumeFrom: old, killAt: 1 });
    expect(run.slices.map(({ from }) => from)).toEqual([
      { row: 4, skipped: 2 },
      { row: 4, skipped: 2 },
    ]);
  });

  test('is where every interruption begins', async () => {
    expect(await everyInterruption(good, { rows: 6 }, { resumeFrom: old })).toMatchObject({ checkpoints: 2 });
  });

  test('is no use to a stateless job', async () => {
    const stateless = defineJob({
      name: 'stateless',
      taskQueue: 'q',
      async *run() {
        yield undefined;
      },
    });
    await expect(runJobInTest(stateless, undefined, { resumeFrom: old })).rejects.toMatchObject({ code: 'USAGE' });
  });
});
