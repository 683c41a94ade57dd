import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Processes } from '../support/processes.ts';
import { TestTerminal } from '../support/terminal.ts';

const SCRIPT = fileURLToPath(new URL('say-things.ts', import.meta.url));
const argv = [process.execPath, SCRIPT];
const size = { columns: 60, rows: 20 };
const LEFT = ['first', 'second', 'half a line', 'third', 'result'];

const linesOf = (all: readonly string[]) => all.filter((line) => line !== '');

test('on a terminal a line moves below what is told, fits, and leaves nothing behind', async () => {
  const terminal = new TestTerminal(new Processes(), argv, size);
  const seen = await terminal.waitFor(/going on/);
  const moving = seen.all.find((line) => line.includes('going on'))!;
  expect(moving).toMatch(/^\S going on .*…$/);
  expect(moving.length).toBeLessThan(size.columns);
  expect(seen.cursorHidden).toBe(true);
  expect(await terminal.process.ended()).toMatchObject({ code: 0 });
  const end = await terminal.see();
  expect(linesOf(end.all)).toEqual(LEFT);
  expect(end.cursorHidden).toBe(false);
});

test.each<[string, Record<string, string>]>([
  ['in CI, even with a terminal', { CI: 'true' }],
  ['on a terminal that can do nothing', { TERM: 'dumb' }],
])('%s there are lines and nothing else', async (_where, env) => {
  const terminal = new TestTerminal(new Processes(), argv, size, { env });
  expect(await terminal.process.ended()).toMatchObject({ code: 0 });
  expect(terminal.written).not.toContain('\x1b');
  expect(linesOf((await terminal.see()).all)).toEqual(LEFT);
});

test('without a terminal a half line of the command stays in its own stream', async () => {
  const piped = new Processes().spawn([process.execPath, SCRIPT]);
  expect(await piped.ended()).toMatchObject({ code: 0 });
  expect(piped.stderr).toBe('first\nsecond\nthird\n');
  expect(piped.stdout).toBe('half a line\nresult\n');
});
