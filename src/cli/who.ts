import { hostname, userInfo } from 'node:os';
import { findConfigFile } from '../config/find-file.ts';
import { loadConfig } from '../config/index.ts';
import { LockkeeperError } from '../errors.ts';
import { NAME_PATTERN } from '../protocol.ts';
import type { EnvironmentOptions } from './options.ts';

/**
 * `--environment` or LOCKKEEPER_ENVIRONMENT, so that CI needs no config there; else the one of lockkeeper.yaml.
 * @throws {LockkeeperError} USAGE, CONFIG_INVALID
 */
export async function environmentOf(options: EnvironmentOptions): Promise<string> {
  if (options.environment) return checkedName(options.environment);
  if (options.config === undefined && !hasConfig()) {
    throw new LockkeeperError(
      'USAGE',
      'no environment is given, and there is no lockkeeper.yaml here or above that names one',
      {
        next: 'Give --environment or set LOCKKEEPER_ENVIRONMENT',
      },
    );
  }
  return (await loadConfig(options.config)).environment;
}

/** A deploy worker of a name that cannot be would be waited for in vain. */
function checkedName(environment: string): string {
  if (NAME_PATTERN.test(environment)) return environment;
  throw new LockkeeperError('USAGE', `${JSON.stringify(environment)} cannot be the name of an environment`, {
    next: 'Use letters, digits, ".", "_" and "-", at most 100, as in lockkeeper.yaml',
  });
}

function hasConfig(): boolean {
  try {
    return findConfigFile(undefined) !== '';
  } catch {
    return false;
  }
}

/** Who asks: what was said, or what the CI system says, or the user of this machine, which must not look like a mail address. */
export function requestedBy(said: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const known = said || env['LOCKKEEPER_USER'] || env['GITHUB_ACTOR'] || env['GITLAB_USER_LOGIN'];
  return known || `${userName()} on ${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that no user has.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
