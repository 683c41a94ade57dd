import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadConfig, type Config } from '../../src/config/index.ts';
import { LockkeeperError } from '../../src/errors.ts';

/** A folder with these files, for one test. */
export function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'lockkeeper-config-')));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** The config of this text. */
export function configOf(yaml: string, env: NodeJS.ProcessEnv = {}): Promise<Config> {
  return loadConfig(join(folderOf({ 'lockkeeper.yaml': yaml }), 'lockkeeper.yaml'), env);
}

/** The error that the work ends in. */
export async function errorOf(work: Promise<unknown> | (() => unknown)): Promise<LockkeeperError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof LockkeeperError) return error;
    throw error;
  }
  throw new Error('expected a LockkeeperError, and there was none');
}

/** The problems of the config of this text, each as `line:column: what`. */
export async function problemsOf(yaml: string, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const error = await errorOf(configOf(yaml, env));
  if (error.code !== 'CONFIG_INVALID') throw error;
  const [, ...lines] = error.message.split('\n');
  return lines.map((line) => line.replace(/^.*lockkeeper\.yaml:/, ''));
}
