import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { Processes } from '../support/processes.ts';
import { TestTerminal } from '../support/terminal.ts';

const SCRIPT = fileURLToPath(new URL('fill-screen.ts', import.meta.url));
const start = (argv: string[]) => new TestTerminal(new Processes(), argv, { columns: 60, rows: 20 });
const script = (how: string) => start([process.execPath, SCRIPT, how]);

test('what is drawn fits the screen, however much it is', async () => {
  const terminal = script('close');
  const seen = await terminal.waitFor(/drawn/);
  expect(seen).toMatchObject({ fullScreen: true, cursorHidden: true });
  expect(seen.all.slice(0, 3)).toEqual(['drawn', `${'x'.repeat(58)}…`, 'line 0']);
  expect(seen.all).toHaveLength(20);
  expect(await terminal.process.ended()).toMatchObject({ code: 0 });
});

test.each<[string, number, string[]]>([
  ['close', 0, ['before', 'after']],
  ['exit', 3, ['before']],
  ['throw', 1, ['before', 'Error: a bug of ours']],
])('after %s the terminal is as it was', async (how, code, left) => {
  const terminal = script(how);
  expect(await terminal.process.ended()).toMatchObject({ code });
  const { all, fullScreen, cursorHidden } = await terminal.see();
  expect({ fullScreen, cursorHidden }).toEqual({ fullScreen: false, cursorHidden: false });
  const lines = all.filter((line) => line !== '');
  expect(lines).toEqual(expect.arrayContaining(left));
  expect(lines.join('\n')).not.toContain('drawn');
});

test('Ctrl-Z gives the terminal back, and fg draws again', async () => {
  const terminal = start(['bash', '--norc', '--noprofile', '-i']);
  terminal.type(`'${process.execPath}' '${SCRIPT}' stay\r`);
  await terminal.waitFor(/^drawn/m);
  terminal.type('\x1a');
  const stopped = await terminal.waitFor(/Stopped/);
  expect(stopped).toMatchObject({ fullScreen: false, cursorHidden: false });
  terminal.type('fg\r');
  await eventually(async () => expect(await terminal.see()).toMatchObject({ fullScreen: true, cursorHidden: true }));
  terminal.type('\x03');
  terminal.type('exit 0\r');
  expect(await terminal.process.ended()).toMatchObject({ code: 0 });
});
