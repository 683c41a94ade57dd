import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readFileSync } from 'node:fs';
import { COORDINATOR_SIGNALS, checkSignal } from './check-signal.ts';
import { checkCommandLine, checkNamed } from './command-line.ts';
import type { Block } from './pages.ts';
import { PROJECT } from './pages.ts';

const run = promisify(execFile);

/** Scripts of a project that `lockkeeper init` has made; the first run of the introduction really runs them. */
const SCRIPTS_OF_INIT = ['dev', 'worker', 'deploy-worker'];

/** In place of the real commands: written down, as the shell gives them. Everything else does nothing and succeeds. */
const STAND_INS = `
PATH=/nonexistent
note() { { printf '%s\\0' "$@"; printf '\\036\\0'; } >> "$CALLS"; }
lockkeeper() { note lockkeeper "$@"; }
npm() { note npm "$@"; }
temporal() { note temporal "$@"; }
npx() { "$@"; }
setsid() { "$@"; }
kill() { return 1; }
cd() { return 0; }
.() { return 0; }
command_not_found_handle() { return 0; }
`;

/** Where a command can stand. */
const COMMANDS = /(?:^|[;&|(]|\bnpx|\bsetsid)[ \t]*(?:\w+=\S* +)*(lockkeeper|npm|temporal) +\S/gm;

/**
 * Lets a real shell read a block, and the real program every command line of lockkeeper in it.
 * @returns what is wrong, a line each
 */
export async function checkShell(block: Pick<Block, 'at' | 'text'>): Promise<string[]> {
  // A synopsis names a command, and is none.
  const synopses = block.text.split('\n').filter((line) => line.includes('[options]'));
  const wrong = synopses
    .flatMap((line) => checkNamed(line.trim()) ?? [])
    .map((complaint) => `${block.at}: ${complaint}`);
  if (wrong.length > 0) return wrong;
  const commands = block.text.split('\n').filter((line) => !synopses.includes(line));
  // `<id>` stands for something that the reader knows; to a shell it would be a redirection.
  const text = commands
    .join('\n')
    .replaceAll(/<([\w-]+)>/g, '$1')
    .replaceAll('node_modules/.bin/', '');
  const { calls, complaint } = await callsIn(text);
  if (complaint !== undefined) return [`${block.at}: ${complaint}`];
  const written = [...withoutComments(text).matchAll(COMMANDS)].length;
  const found = await Promise.all(calls.map(([program, ...args]) => checkCall(program!, args)));
  return [
    ...(written === calls.length
      ? []
      : [`${block.at}: has ${written} commands to check, of which a shell reaches ${calls.length}`]),
    ...found.flatMap((wrong) => (wrong === undefined ? [] : [`${block.at}: ${wrong}`])),
  ];
}

/** What CI sets. */
const CI_VARIABLES = {
  CI_RUN: '7',
  GITHUB_REF_NAME: 'v42',
  GITHUB_RUN_ID: '7',
  CI_COMMIT_TAG: 'v42',
  CI_PIPELINE_ID: '7',
};

const withoutComments = (text: string) => text.replaceAll(/^\s*#.*$/gm, '');

async function callsIn(text: string): Promise<{ calls: string[][]; complaint?: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-docs-'));
  try {
    const file = join(folder, 'calls');
    await writeFile(file, '');
    const env = { CALLS: file, ...CI_VARIABLES };
    const args = ['--noprofile', '--norc', '-c'];
    try {
      await run('/bin/bash', ['-n', '-c', text], { env });
    } catch (error) {
      return { calls: [], complaint: String((error as { stderr?: unknown }).stderr).trim() };
    }
    // What it says of files that are not there is not of interest, nor how it ends.
    await run('/bin/bash', [...args, `${STAND_INS}\n${text}\nwait`], { env, cwd: folder }).catch(() => undefined);
    const records = (await readFile(file, 'utf8')).split('\x1e\0').slice(0, -1);
    return { calls: records.map((record) => record.split('\0').slice(0, -1)) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function checkCall(program: string, args: readonly string[]): Promise<string | undefined> {
  if (program === 'lockkeeper') return checkCommandLine(args);
  if (program === 'temporal') return checkTemporal(args);
  const script = args[0] === 'run' ? args[1]! : args[0]!;
  if (['install', 'ci', ...SCRIPTS_OF_INIT, ...ownScripts()].includes(script)) return undefined;
  return `there is no npm script ${script}`;
}

/** What coordinators are told must be something that they take. */
function checkTemporal(args: readonly string[]): string | undefined {
  const valueOf = (option: string) => args[args.indexOf(option) + 1] ?? '';
  if (args[0] !== 'workflow' || args[1] !== 'signal') return undefined;
  const name = valueOf('--name');
  if (!COORDINATOR_SIGNALS.includes(name)) return `coordinators know no signal ${name}`;
  return checkSignal(name, JSON.parse(valueOf('--input')));
}

const ownScripts = () =>
  Object.keys((JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { scripts: object }).scripts);
