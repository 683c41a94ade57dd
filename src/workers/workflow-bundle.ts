import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import type { WorkflowBundleOption, WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { LockkeeperError, errorMessage, isLockkeeperError } from '../errors.ts';
import { FAILURE_CONVERTER } from '../crypto/data-converter.ts';
import type { Logger } from '../log.ts';
import { CONVERTER, OWN_WORKFLOWS, workflowsOfJobs } from './join-workflows.ts';

/** How errors of workflows are sent: `encoded` ones are payloads, for a codec to encrypt. */
export type Failures = 'readable' | 'encoded';

/** Made by the build, so that a worker without workflows of its own starts at once. */
const PREBUILT: Readonly<Record<Failures, string>> = {
  readable: prebuilt('workflows.bundle.js'),
  encoded: prebuilt('workflows-encoded.bundle.js'),
};

/**
 * The workflows of lockkeeper, joined by the user's own.
 * @throws {LockkeeperError} CONFIG_INVALID when the user's do not bundle
 */
export async function bundleWorkflows(
  log: Logger,
  users: string | undefined,
  failures: Failures = 'readable',
): Promise<WorkflowBundleOption> {
  const codePath = PREBUILT[failures];
  if (users === undefined && existsSync(codePath)) return { codePath };
  return bundle(log, users, failures);
}

function prebuilt(name: string): string {
  return fileURLToPath(new URL(`../${name}`, import.meta.url));
}

/** Bundles now. @throws {LockkeeperError} CONFIG_INVALID */
export async function bundle(
  log: Logger,
  users: string | undefined,
  failures: Failures = 'readable',
): Promise<WorkflowBundleWithSourceMap> {
  const what =
    users === undefined
      ? { workflowsPath: OWN_WORKFLOWS, payloadConverterPath: CONVERTER }
      : { workflowsPath: users, plugins: [workflowsOfJobs] };
  try {
    const converter = failures === 'encoded' && { failureConverterPath: FAILURE_CONVERTER };
    return await bundleWorkflowCode({ ...what, ...converter, logger: quiet(log) });
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
