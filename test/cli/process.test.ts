import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
/** Starting is slow on a busy machine. */
const WITHIN = 60_000;

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), 'lockkeeper-cli-'))));
afterAll(() => rm(dir, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real command line in an empty directory with nothing of ours in its environment but `env`. */
function lockkeeper(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: dir,
    env: { PATH: process.env['PATH'], HOME: dir, ...env },
    timeout: WITHIN,
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => (text[name] += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...text }));
  });
}

test('--help ends with 0', { timeout: WITHIN }, async () => {
  const { code, stdout, stderr } = await lockkeeper(['--help']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('deploy-worker');
});

test.each<[string, string[], string]>([
  ['an unknown command', ['boarb'], "unknown command 'boarb' (Did you mean board?) [USAGE]"],
  ['an unknown option', ['board', '--jsn'], "unknown option '--jsn' (Did you mean --json?) [USAGE]"],
  ['a missing option', ['deploy', 'run'], "required option '--id <id>' not specified [USAGE]"],
  ['a bad duration', ['deploy', 'run', '--id', 'x', '--timeout', 'soon'], '"soon" is not a duration'],
  ['a command without --', ['deploy', 'run', '--id', 'x', './deploy.sh', '--force'], "unknown option '--force'"],
  ['no environment', ['board'], 'no environment is given'],
  ['no database', ['job', 'list'], 'DATABASE_URL is not set'],
  ['no config', ['worker'], '[CONFIG_INVALID]'],
])('%s: exit code 2, one line on standard error, no stack', { timeout: WITHIN }, async (_what, args, message) => {
  const { code, stdout, stderr } = await lockkeeper(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(/^lockkeeper: /);
});

test('a ledger that does not answer: exit code 8, and no password on the screen', { timeout: WITHIN }, async () => {
  const { code, stderr } = await lockkeeper(['job', 'list'], { DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/x' });
  expect(code).toBe(8);
  expect(stderr).toContain('[LEDGER_UNREACHABLE]');
  expect(stderr).not.toContain('secret');
});

test(
  'a command for a plan without an external step is refused before anybody is asked',
  { timeout: WITHIN },
  async () => {
    const config = join(dir, 'quiet.yaml');
    await writeFile(
      config,
      'environment: trial\nqueues: {numbers: }\nplans:\n  quiet:\n    steps:\n      - command: [echo]\n        name: nothing\n',
    );
    const { code, stderr } = await lockkeeper([
      'deploy',
      'run',
      '--config',
      config,
      '--id',
      'x',
      '--plan',
      'quiet',
      '--',
      'true',
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('plan quiet has no external step');
  },
);

test('an older Node: exit code 2, and which one is needed', { timeout: WITHIN }, () => {
  const older = 'Object.defineProperty(process,"versions",{value:{...process.versions,node:"22.9.1"}})';
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${older}`, MAIN, '--version'],
    {
      encoding: 'utf8',
    },
  );
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: 'lockkeeper: this is Node 22.9.1, and 22.18 or newer is needed, which runs TypeScript as it is [USAGE]\n',
  });
});

test('a reader that goes away is no crash', { timeout: WITHIN }, async () => {
  const child = spawn(process.execPath, [MAIN, '--help'], { cwd: dir, timeout: WITHIN });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
