import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import type { WorkflowBundleOption, WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { LockkeeperError, errorMessage, isLockkeeperError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { CONVERTER, OWN_WORKFLOWS, workflowsOfJobs } from './join-workflows.ts';

/** Made by the build, so that a worker without workflows of its own starts at once. */
const PREBUILT = fileURLToPath(new URL('../workflows.bundle.js', import.meta.url));

/**
 * The workflows of lockkeeper, joined by the user's own.
 * @throws {LockkeeperError} CONFIG_INVALID when the user's do not bundle
 */
export async function bundleWorkflows(log: Logger, users: string | undefined): Promise<WorkflowBundleOption> {
  if (users === undefined && existsSync(PREBUILT)) return { codePath: PREBUILT };
  return bundle(log, users);
}

/** Bundles now. @throws {LockkeeperError} CONFIG_INVALID */
export async function bundle(log: Logger, users: string | undefined): Promise<WorkflowBundleWithSourceMap> {
  const what =
    users === undefined
      ? { workflowsPath: OWN_WORKFLOWS, payloadConverterPath: CONVERTER }
      : { workflowsPath: users, plugins: [workflowsOfJobs] };
  try {
    return await bundleWorkflowCode({ ...what, logger: quiet(log) });
  } catch (error) {
    if (isLockkeeperError(error)) throw error;
    throw new LockkeeperError(
      'CONFIG_INVALID',
      `the workflows ${users ?? ''} could not be bundled: ${errorMessage(error)}`,
      {
        next: 'A workflow imports types from activities, never values, and nothing of Node',
        cause: error,
      },
    );
  }
}

/** The bundler talks a lot; only what it complains of is of interest. */
function quiet(log: Logger) {
  const warn = (message: string, meta?: unknown) => log.warn({ meta }, message);
  const debug = (message: string) => log.debug(message);
  return {
    log: (_level: string, message: string) => debug(message),
    trace: debug,
    debug,
    info: debug,
    warn,
    error: warn,
  };
}
