import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { candidates } from '../../src/cli/completion/candidates.ts';
import { splitValue } from '../../src/cli/completion/index.ts';
import { createProgram } from '../../src/cli/program.ts';
import { Processes } from '../support/processes.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const processes = new Processes();
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockkeeper-completion-'));
  await writeFile(join(dir, 'lockkeeper'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
});
afterAll(() => rm(dir, { recursive: true }));

const of = (...typed: string[]) => candidates(createProgram(), typed);
const wordsOf = (...typed: string[]) => {
  const found = of(...typed);
  return found.kind === 'words' ? found.words : found.kind;
};

test('commands, and the commands below them', () => {
  expect(wordsOf('')).toEqual(expect.arrayContaining(['deploy', 'job', 'board', 'completion']));
  expect(wordsOf('')).not.toContain('complete');
  expect(wordsOf('deploy', '')).toEqual(expect.arrayContaining(['run', 'watch', 'retry-step']));
});

test('options of the command that stands there, also behind a value', () => {
  expect(wordsOf('deploy', 'list', '--')).toEqual(expect.arrayContaining(['--limit', '--environment', '--json']));
  expect(wordsOf('deploy', 'list', '--limit', '5', '--')).toContain('--json');
  expect(wordsOf('--')).toContain('--version');
});

test('choices of an option and of an argument', () => {
  expect(wordsOf('job', 'list', '--state', '')).toContain('quarantined');
  expect(wordsOf('completion', '')).toEqual(['bash', 'zsh', 'fish']);
});

test('nothing where anything may stand', () => {
  expect(wordsOf('deploy', 'run', '--id', '')).toEqual([]);
});

test('files for options that take one, and for the command after --', () => {
  expect(of('board', '--config', '')).toEqual({ kind: 'files' });
  expect(of('deploy', 'run', '--id', 'x', '--', './dep')).toEqual({ kind: 'files' });
});

test('ids of jobs, graphs and deploys', () => {
  expect(of('graph', 'rerun', '')).toEqual({ kind: 'ids', of: 'graph' });
  expect(of('deploy', 'show', '')).toEqual({ kind: 'ids', of: 'deploy' });
  expect(of('job', 'watch', 'imp')).toEqual({ kind: 'ids', of: 'job' });
});

test('--option=value, whole or as bash has split it', () => {
  expect(splitValue(['--state=qu'])).toEqual({ typed: ['--state', 'qu'], prefix: '--state=' });
  expect(splitValue(['--state', '=', 'qu'])).toEqual({ typed: ['--state', 'qu'], prefix: '' });
  expect(splitValue(['--state', '='])).toEqual({ typed: ['--state', ''], prefix: '' });
  expect(splitValue(['deploy', 'sh'])).toEqual({ typed: ['deploy', 'sh'], prefix: '' });
});

/** What bash itself offers for a line that ends in the word to be completed. */
async function offered(...line: string[]): Promise<string[]> {
  const words = line.map((word) => `'${word}'`).join(' ');
  const script = `source <(lockkeeper completion bash)
    COMP_WORDS=(lockkeeper ${words}); COMP_CWORD=${line.length}
    _lockkeeper; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const bash = processes.spawn(['bash', '--noprofile', '--norc', '-c', script], {
    env: { PATH: `${dir}${delimiter}${process.env['PATH']}`, DATABASE_URL: '' },
  });
  expect(await bash.ended()).toEqual({ code: 0, signal: null });
  return bash.stdout.split('\n').filter((word) => word !== '');
}

test('a real bash offers what the program offers', { timeout: 60_000 }, async () => {
  expect(await offered('deploy', 'sh')).toEqual(['show']);
  expect(await offered('job', 'list', '--state', 'qua')).toEqual(['quarantined']);
  expect(await offered('job', 'list', '--st')).toEqual(['--state']);
  expect(await offered('deploy', 'run', '--', '')).toEqual([]);
  expect(await offered('deploy', 'show', '')).toEqual([]);
});
