import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { Processes } from '../support/processes.ts';

/** Stands in every password, key and variable of these tests, and may never be seen. */
export const SECRET = 'hunter2';

export interface Said {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with these files, until the test or the file ends. */
export function folder(files: Readonly<Record<string, string>> = {}): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'lockkeeper-errors-')));
  atEnd(() => rmSync(dir, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  return dir;
}

/** Nothing of the machine's own set-up: an empty variable counts as not set. */
export const NOTHING_SET = {
  DATABASE_URL: '',
  LOCKKEEPER_DEBUG: '',
  LOCKKEEPER_ENVIRONMENT: '',
  TEMPORAL_ADDRESS: '',
  TEMPORAL_API_KEY: '',
  TEMPORAL_CONFIG_FILE: '',
  TEMPORAL_NAMESPACE: '',
  TEMPORAL_PROFILE: '',
};

/** Runs the real command line to its end, with nothing set but `env`. */
export async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd = folder(),
): Promise<Said> {
  const started = new Processes().lockkeeper(args, {
    cwd,
    env: { ...NOTHING_SET, HOME: cwd, XDG_CONFIG_HOME: '', ...env },
  });
  const { code } = await started.ended({ within: 60_000 });
  return { exit: code, stdout: started.stdout, stderr: started.stderr };
}

/** How every error is told: its code on the first line, no stack, no secret, and the exit code that belongs to it. */
export function expectTold(said: Said, exit: number, code: string, ...parts: readonly (string | RegExp)[]): void {
  expect(said.stderr).toMatch(new RegExp(`^lockkeeper: .*\\[${code}\\]$`, 'm'));
  expect({ ...said, stderr: '' }).toEqual({ exit, stdout: '', stderr: '' });
  for (const part of parts) expect(said.stderr).toMatch(part);
  expect(said.stderr).not.toMatch(/^ +at /m);
  expect(said.stderr).not.toContain(SECRET);
}
