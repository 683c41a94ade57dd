import { hostname, userInfo } from 'node:os';
import { loadConfig } from '../config/index.ts';
import type { EnvironmentOptions } from './options.ts';

/** `--environment` or LOCKKEEPER_ENVIRONMENT, so that CI needs no config there; else the one of lockkeeper.yaml. */
export async function environmentOf(options: EnvironmentOptions): Promise<string> {
  return options.environment || (await loadConfig(options.config)).environment;
}

/** Who asks: what was said, or what the CI system says, or the user of this machine. */
export function requestedBy(said: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  return said || env['LOCKKEEPER_USER'] || env['GITHUB_ACTOR'] || env['GITLAB_USER_LOGIN'] || `${userName()}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that no user has.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
