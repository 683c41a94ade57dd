import { expect, test } from 'vitest';
import { milliseconds } from '../../src/duration.ts';
import { createWorker, defineJob } from '../../src/index.ts';
import type { Duration, WorkerOptions } from '../../src/index.ts';

const jobWith = (heartbeatTimeout: Duration) =>
  defineJob({ name: 'one', taskQueue: 'q', heartbeatTimeout, run: async function* () {} });

test('30_000 and 30s are the same, in whatever is written in TypeScript', () => {
  expect(jobWith(30_000).heartbeatTimeoutMs).toBe(30_000);
  expect(jobWith('30s').heartbeatTimeoutMs).toBe(30_000);
  expect(jobWith('0.5m').heartbeatTimeoutMs).toBe(30_000);
  const times = (one: Duration, other: Duration) =>
    defineJob({
      name: 'one',
      taskQueue: 'q',
      checkpointEvery: one,
      retry: { initialInterval: one, maximumInterval: other },
      run: async function* () {},
    });
  expect(times('2s', '1h').retry).toEqual(times(2_000, 3_600_000).retry);
  expect(times('2s', '1h').checkpointEveryMs).toBe(2_000);
});

test.each([['soon'], ['5 m'], ['-5s'], [''], [Number.NaN], [-5], [Number.POSITIVE_INFINITY]])(
  '%j is no duration: what was found, where, and an example of one',
  async (bad) => {
    const shown = typeof bad === 'string' ? JSON.stringify(bad) : String(bad);
    expect(() => milliseconds(bad)).toThrow(
      `${shown} is not a duration. Use milliseconds or a number with ms, s, m, h or d`,
    );
    expect(() => jobWith(bad as Duration)).toThrow(`job "one": heartbeatTimeout: ${shown} is not a duration`);
    const worker = createWorker({ shutdownGrace: bad as Duration } as WorkerOptions);
    await expect(worker).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(`shutdownGrace: ${shown}`) as string,
    });
  },
);

test('a grace that is longer than the force is refused, in whatever unit', async () => {
  const worker = createWorker({ shutdownGrace: '1m', shutdownForce: 30_000 } as unknown as WorkerOptions);
  await expect(worker).rejects.toMatchObject({ code: 'SETTING_BREAKS_LAW' });
});
