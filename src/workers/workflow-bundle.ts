import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import type { WorkflowBundleOption, WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { LockkeeperError, errorMessage } from '../errors.ts';
import type { Logger } from '../log.ts';

/** Made by the build, so that a worker without workflows of its own starts at once. */
const PREBUILT = fileURLToPath(new URL('../workflows.bundle.js', import.meta.url));
const own = (name: string) =>
  fileURLToPath(import.meta.resolve(`../workflows/${name}${path.extname(import.meta.url)}`));
const OWN = own('index');
const CONVERTER = own('payload-converter');
/**
 * Where Temporal's own packages are. What the bundler adds to the user's module imports them from there, and where every
 * package sees its own dependencies only (pnpm) it would not find them.
 */
const TEMPORALS = fileURLToPath(new URL('../..', import.meta.resolve('@temporalio/workflow/package.json')));

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
  const workflowsPath = users === undefined ? OWN : await joinedEntry(users);
  try {
    return await bundleWorkflowCode({
      workflowsPath,
      payloadConverterPath: CONVERTER,
      logger: quiet(log),
      webpackConfigHook: (config) => ({
        ...config,
        resolve: { ...config.resolve, modules: [...(config.resolve?.modules ?? ['node_modules']), TEMPORALS] },
      }),
    });
  } catch (error) {
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

/** A module beside the user's, so that its imports resolve as theirs do. */
async function joinedEntry(users: string): Promise<string> {
  const directory = path.join(path.dirname(users), '.lockkeeper');
  const entry = path.join(directory, 'workflows.mjs');
  await mkdir(directory, { recursive: true });
  // Renamed into place: another worker may be reading it right now.
  const draft = `${entry}.${randomUUID()}`;
  await writeFile(draft, [OWN, users].map((file) => `export * from ${JSON.stringify(file)};\n`).join(''));
  await rename(draft, entry);
  return entry;
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
