import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BundleOptions, BundlerPlugin, WorkerPlugin, WorkflowBundleOption } from '@temporalio/worker';
import { FAILURE_CONVERTER } from '../crypto/data-converter.ts';
import { LockkeeperError } from '../errors.ts';
import { MADE_FOR_JOBS } from '../protocol/bundle.ts';
import { ENCODES_FAILURES } from '../protocol/failure-converter.ts';
import { encryptionFor, withEncryption } from './worker-encryption.ts';

type Hook = NonNullable<BundleOptions['webpackConfigHook']>;
type Configuration = Parameters<Hook>[0];

const own = (name: string) =>
  fileURLToPath(import.meta.resolve(`../workflows/${name}${path.extname(import.meta.url)}`));
/** The workflows of lockkeeper alone, and the entry that joins those of users to them. */
export const OWN_WORKFLOWS = own('index');
const WITH_USERS = own('with-users');
/** Signals of any encoding reach the handlers of lockkeeper's workflows instead of failing their tasks. */
export const CONVERTER = own('payload-converter');

/**
 * Adds the workflows of jobs to a bundle that is made ahead of time, for {@link lockkeeperPlugin} to accept it. Where the
 * Worker itself bundles (`workflowsPath`), that plugin does the same. Errors of these workflows go to the server as payloads,
 * whether they are encrypted then or not.
 *
 * It is also for a Worker that runs only the workflows of a queue, where another one runs its activities: that one then encrypts
 * as its data converter or the environment says.
 * @example
 * const { code } = await bundleWorkflowCode({ workflowsPath, plugins: [workflowsOfJobs] });
 */
export const workflowsOfJobs: BundlerPlugin & Required<Pick<WorkerPlugin, 'configureWorker'>> = {
  name: 'lockkeeper.workflows',
  configureBundler: (options) => joinWorkflows({ failureConverterPath: FAILURE_CONVERTER, ...options }),
  configureWorker: (worker) => {
    const dataConverter = withEncryption(worker.dataConverter, encryptionFor(worker), worker.namespace ?? 'default');
    return { ...worker, dataConverter };
  },
};

/**
 * The same bundle with lockkeeper's workflows in it.
 * @throws {LockkeeperError} SETTING_BREAKS_LAW
 */
export function joinWorkflows(options: BundleOptions): BundleOptions {
  // Two plugins may both want it.
  if (options.workflowsPath === WITH_USERS) return options;
  if (options.payloadConverterPath !== undefined) {
    throw new LockkeeperError(
      'SETTING_BREAKS_LAW',
      `dataConverter.payloadConverterPath is ${options.payloadConverterPath}, and the workflows of lockkeeper need their own payload converter: with another one a single payload of an unknown encoding stops them for good`,
      {
        next: 'Leave it out, or serve your workflows on another task queue; payload codecs may stay',
      },
    );
  }
  const users = path.resolve(options.workflowsPath);
  const hook = options.webpackConfigHook ?? ((config) => config);
  return {
    ...options,
    workflowsPath: WITH_USERS,
    payloadConverterPath: CONVERTER,
    webpackConfigHook: (config) => withUsers(hook(config), users),
  };
}

/**
 * Refuses a finished bundle without the workflows of jobs, and one whose errors could not be encrypted where they are to be.
 * @throws {LockkeeperError} CONFIG_INVALID
 */
export async function expectMadeForJobs(bundle: WorkflowBundleOption, encrypted: boolean): Promise<void> {
  const code = 'code' in bundle ? bundle.code : await readFile(bundle.codePath, 'utf8');
  const next =
    'Bundle with `bundleWorkflowCode({ workflowsPath, plugins: [workflowsOfJobs] })`, or give the Worker its workflowsPath instead';
  if (!code.includes(MADE_FOR_JOBS))
    throw new LockkeeperError(
      'CONFIG_INVALID',
      'the workflowBundle lacks the workflows of lockkeeper, which run jobs',
      { next },
    );
  if (encrypted && !code.includes(ENCODES_FAILURES))
    throw new LockkeeperError(
      'CONFIG_INVALID',
      'the workflowBundle has a failure converter that leaves errors of workflows readable, and they are to be encrypted',
      { next },
    );
}

function withUsers(config: Configuration, users: string): Configuration {
  const alias = { name: 'users-workflows', alias: users, onlyModule: true };
  const { alias: others = {} } = config.resolve ?? {};
  const asList = Array.isArray(others)
    ? others
    : Object.entries(others).map(([name, to]) => ({
        name: name.replace(/\$$/, ''),
        alias: to,
        onlyModule: name.endsWith('$'),
      }));
  // A folder of workflows is as good as a file.
  const entry = { test: WITH_USERS, resolve: { fullySpecified: false } };
  return {
    ...config,
    resolve: { ...config.resolve, alias: [...asList, alias] },
    module: { ...config.module, rules: [...(config.module?.rules ?? []), entry] },
    plugins: [...(config.plugins ?? []), refuseSameNames],
  };
}

/** Of two workflows of one name the bundler would drop one, with a warning that nobody reads. */
const refuseSameNames: NonNullable<Configuration['plugins']>[number] = (compiler) => {
  compiler.hooks.afterCompile.tap('lockkeeper', ({ modules, moduleGraph }) => {
    const entry = [...modules].find((module) => module.nameForCondition() === WITH_USERS);
    if (!entry) return;
    const joined = [...moduleGraph.getOutgoingConnections(entry)].flatMap(({ module }) => (module ? [module] : []));
    const namesOf = (module: (typeof joined)[number]) => {
      const names = moduleGraph.getProvidedExports(module);
      return Array.isArray(names) ? names : [];
    };
    const ownNames = joined.filter((m) => m.nameForCondition() === OWN_WORKFLOWS).flatMap(namesOf);
    const usersNames = joined.filter((m) => m.nameForCondition() !== OWN_WORKFLOWS).flatMap(namesOf);
    const same = ownNames.filter((name) => usersNames.includes(name));
    if (same.length === 0) return;
    throw new LockkeeperError(
      'CONFIG_INVALID',
      `the workflows export \`${same[0]}\`, which is the name of one of lockkeeper's`,
      {
        next: 'Give yours another name, or serve it on another task queue',
      },
    );
  });
};
