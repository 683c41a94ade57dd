import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { LockkeeperError } from '../../errors.ts';
import { dependsOn, readManifest } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { MANAGERS } from './package-managers.ts';
import type { PackageManager } from './package-managers.ts';

export interface Project {
  /** Absolute; need not exist. */
  readonly directory: string;
  /** Undefined when there is no package.json. */
  readonly manifest: Manifest | undefined;
  readonly language: 'typescript' | 'javascript';
  readonly packageManager: PackageManager;
}

/**
 * What the project in this directory is made with.
 * @throws {LockkeeperError} USAGE when it is no directory, or its package.json cannot be used
 */
export function lookAt(path: string, javascript: boolean | undefined, env: NodeJS.ProcessEnv = process.env): Project {
  const directory = resolve(path);
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found && !found.isDirectory()) {
    throw new LockkeeperError('USAGE', `${directory} is a file, and a directory is expected`, {
      next: 'Name the directory of the project',
    });
  }
  const manifest = readManifest(directory);
  return {
    directory,
    manifest,
    language: javascript || isPlainJavaScript(directory, manifest) ? 'javascript' : 'typescript',
    packageManager: managerOf(directory, manifest, env),
  };
}

/** Nothing of TypeScript, and sources in JavaScript. A project without sources may as well begin with types. */
function isPlainJavaScript(directory: string, manifest: Manifest | undefined): boolean {
  const sources = [directory, join(directory, 'src')].flatMap(filesIn);
  const typed =
    existsSync(join(directory, 'tsconfig.json')) ||
    (manifest !== undefined && dependsOn(manifest, 'typescript')) ||
    sources.some((file) => /\.[cm]?ts$/.test(file));
  return !typed && sources.some((file) => /\.[cm]?jsx?$/.test(file));
}

const filesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** What package.json says, else the nearest lockfile, else the one that runs this command, as `pnpm dlx` does. */
function managerOf(directory: string, manifest: Manifest | undefined, env: NodeJS.ProcessEnv): PackageManager {
  const named = (text: unknown) => MANAGERS.find(({ name }) => typeof text === 'string' && text.startsWith(name));
  return (
    named(manifest?.value['packageManager']) ??
    byLockfile(directory) ??
    named(env['npm_config_user_agent']) ??
    MANAGERS[0]
  );
}

function byLockfile(directory: string): PackageManager | undefined {
  for (let at = directory; ; at = dirname(at)) {
    const found = MANAGERS.find(({ lockfile }) => existsSync(join(at, lockfile)));
    if (found || dirname(at) === at) return found;
  }
}
