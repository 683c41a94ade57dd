import { loadConfig } from '../../config/index.ts';
import type { Config } from '../../config/index.ts';
import { LockkeeperError } from '../../errors.ts';
import type { DeployRequest, ExternalMode } from '../../protocol.ts';
import type { EnvironmentOptions } from '../options.ts';
import { requestedBy } from '../who.ts';

export interface RequestOptions extends EnvironmentOptions {
  readonly id: string;
  readonly plan: string;
  readonly version?: string;
  readonly param?: Readonly<Record<string, string>>;
  /** An ISO time. */
  readonly scheduledFor?: string;
  readonly requestedBy?: string;
}

/** The request that a command line asks for. The same line again makes the same request. */
export function requestOf(options: RequestOptions, external: ExternalMode | undefined): DeployRequest {
  return {
    id: options.id,
    plan: options.plan,
    ...(options.version !== undefined && { version: options.version }),
    ...(options.param && { parameters: options.param }),
    requestedBy: requestedBy(options.requestedBy),
    ...(options.scheduledFor !== undefined && { scheduledFor: options.scheduledFor }),
    ...(external && { external }),
  };
}

/**
 * Refuses at once what the deploy worker would refuse or wait for in vain. Only where there is a config: CI may have none,
 * and its variables may not be set there.
 * @throws {LockkeeperError} USAGE; CONFIG_INVALID for a config that was named
 */
export async function checkTakesPart(options: RequestOptions, how: 'command' | 'nobody' | 'deadline'): Promise<void> {
  const config = await loadConfig(options.config).catch((error: unknown) => {
    if (options.config !== undefined) throw error;
    return undefined;
  });
  const mistake = config && mismatch(config, options.plan, how);
  if (mistake) throw mistake;
}

export function mismatch(
  config: Pick<Config, 'plans'>,
  name: string,
  how: 'command' | 'nobody' | 'deadline',
): LockkeeperError | undefined {
  const plan = config.plans.get(name);
  // Another plan may be known to the deploy worker, which is the one to say.
  if (!plan) return undefined;
  const external = plan.steps.find((step) => step.type === 'external');
  if (external && how === 'nobody') {
    return new LockkeeperError(
      'USAGE',
      `plan ${name} has the external step ${external.name}, and no command was given to do it`,
      {
        next: 'Give the command after --, or use `lockkeeper deploy start` and `finish`',
      },
    );
  }
  if (external || how === 'nobody') return undefined;
  return new LockkeeperError(
    'USAGE',
    `plan ${name} has no external step, so there is nothing for ${how === 'command' ? 'a command' : '`deploy start`'} to do in it`,
    {
      next:
        how === 'command'
          ? 'Leave the command out, or add `- external: true` to the steps'
          : 'Use `lockkeeper deploy run` without a command',
    },
  );
}
