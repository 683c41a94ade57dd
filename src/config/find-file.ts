import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { LockkeeperError } from '../errors.ts';

const NAMES = ['lockkeeper.yaml', 'lockkeeper.yml'] as const;

/**
 * The absolute path of the config: the given one, or the nearest `lockkeeper.yaml` (or `.yml`) in the directory or above it.
 * @throws {LockkeeperError} CONFIG_INVALID when there is none
 */
export function findConfigFile(path: string | undefined, directory = process.cwd()): string {
  if (path !== undefined) {
    const file = resolve(directory, path);
    if (existsSync(file)) return file;
    throw new LockkeeperError('CONFIG_INVALID', `the config ${file} does not exist`, {
      next: 'Correct the path, or leave it out to use the nearest lockkeeper.yaml',
    });
  }
  const nearest = nearestConfigFile(directory);
  if (nearest !== undefined) return nearest;
  throw new LockkeeperError(
    'CONFIG_INVALID',
    `found no ${NAMES.join(' or ')} in ${resolve(directory)} or any directory above it`,
    {
      next: 'Create lockkeeper.yaml with at least `environment` and `jobs`, or give the path of the config',
    },
  );
}

/** Undefined when there is none in the directory or above it. */
export function nearestConfigFile(directory = process.cwd()): string | undefined {
  for (let at = resolve(directory); ; at = dirname(at)) {
    const file = NAMES.map((name) => join(at, name)).find(existsSync);
    if (file !== undefined || dirname(at) === at) return file;
  }
}
