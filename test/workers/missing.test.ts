import { expect, test } from 'vitest';
import type { MissingWorker } from '../../src/ledger/dead-workers.ts';
import { GRACE, Missing } from '../../src/workers/missing.ts';

const worker = (id: string, connected: boolean): MissingWorker => ({
  id,
  kind: 'worker',
  host: 'h',
  pid: 1,
  connected,
});
const ids = (workers: readonly MissingWorker[]) => workers.map(({ id }) => id);

test('all its connections went at once and ours stood: gone at the first look', () => {
  const missing = new Missing(0);
  expect(ids(missing.gone([worker('dead', false), worker('reconnecting', true)], GRACE))).toEqual(['dead']);
});

test('a worker that has lost only its session has the grace to come back', () => {
  const missing = new Missing(0);
  const begin = 10_000;
  expect(ids(missing.gone([worker('a', true)], begin))).toEqual([]);
  expect(ids(missing.gone([worker('a', true)], begin + GRACE - 1))).toEqual([]);
  expect(ids(missing.gone([worker('a', true)], begin + GRACE))).toEqual(['a']);
});

test('a worker that came back and goes missing again has the whole grace again', () => {
  const missing = new Missing(0);
  missing.gone([worker('a', true)], 10_000);
  missing.gone([], 10_500);
  expect(ids(missing.gone([worker('a', true)], 11_600))).toEqual([]);
});

test('after a restart of Postgres, when our connection is new as well, everybody has the grace', () => {
  const missing = new Missing(10_000);
  const all = [worker('a', false), worker('b', true)];
  expect(ids(missing.gone(all, 10_010))).toEqual([]);
  expect(ids(missing.gone(all, 10_000 + GRACE - 1))).toEqual([]);
  // The one without any connection has had its time since our connection stands, the other since it was seen missing.
  expect(ids(missing.gone(all, 10_000 + GRACE))).toEqual(['a']);
  expect(ids(missing.gone(all, 10_010 + GRACE))).toEqual(['a', 'b']);
});
