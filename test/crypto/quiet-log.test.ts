import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { quietLog } from '../../src/quiet-log.ts';

const SECRET = 'maria.keller-4711@example.com';

/** What a worker with keys logs of an error. */
function logged(err: unknown): string {
  const lines: string[] = [];
  quietLog(pino({}, { write: (line) => lines.push(line) })).warn({ err }, 'it threw');
  return lines.join('');
}

const thrown = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error,
  );

test.each<[string, () => Promise<unknown>]>([
  ['a file that is not there', () => thrown(readFile(`/nowhere/${SECRET}`))],
  ['a program that is not there', async () => (await once(spawn('/nowhere/mail', [SECRET]), 'error'))[0] as unknown],
  [
    'a mail server',
    () => Promise.resolve(Object.assign(new Error(`all recipients were refused: ${SECRET}`), { code: 'EENVELOPE' })),
  ],
])('an error of %s is logged without what it says of the job’s data', async (_, fail) => {
  const line = logged(await fail());
  expect(line).toContain('not logged, as it is encrypted elsewhere');
  expect(line).not.toContain(SECRET);
});

test('an error of a lost connection is logged in its own words, without the request', async () => {
  const error = await thrown(once(connect(1, '127.0.0.1'), 'connect'));
  expect(logged(error)).toContain('connect ECONNREFUSED 127.0.0.1:1');
  // As HTTP clients do.
  const line = logged(Object.assign(error as Error, { config: { data: SECRET } }));
  expect(line).toContain('connect ECONNREFUSED 127.0.0.1:1');
  expect(line).not.toContain(SECRET);
});

test('an error that throws when it is looked at is logged all the same', () => {
  const error = Object.defineProperty(new Error(SECRET), 'code', {
    get() {
      throw new Error(SECRET);
    },
  });
  const line = logged(error);
  expect(line).toContain('not logged, as it is encrypted elsewhere');
  expect(line).not.toContain(SECRET);
});

test('the words that a job logs by itself are all there', () => {
  const lines: string[] = [];
  quietLog(pino({}, { write: (line) => lines.push(line) })).info({ row: 7 }, 'row %d of %d', 7, 9);
  expect(lines.join('')).toContain('"msg":"row 7 of 9"');
});
