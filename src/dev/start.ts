import { existsSync } from 'node:fs';
import { access, constants, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LockkeeperError, errorMessage, isLockkeeperError } from '../errors.ts';
import { addKey } from '../crypto/add-key.ts';
import { lockDir } from './dir-lock.ts';
import { expectFree } from './ports.ts';
import { startPostgres } from './postgres.ts';
import { findTemporal, userCacheDir } from './temporal-binary.ts';
import { portsOf, startTemporal } from './temporal-server.ts';

export interface StartDevOptions {
  /** Holds all state; deleting it means starting anew. */
  readonly dir?: string | undefined;
  /** 0 or undefined: a free one. */
  readonly temporalPort?: number | undefined;
  readonly uiPort?: number | undefined;
  readonly postgresPort?: number | undefined;
  readonly log: (line: string) => void;
  /** `TEMPORAL_ADDRESS` (with `TEMPORAL_NAMESPACE`) and `DATABASE_URL` each replace one of the two servers. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Name to type, as `{ LockkeeperKind: 'Keyword' }`; only for the server started here. */
  readonly searchAttributes: Readonly<Record<string, string>>;
  /** See `startTemporal`. */
  readonly dynamicConfig?: Readonly<Record<string, string>> | undefined;
  /** Stands in front of the Web UI of the Temporal started here, and takes its port; 0 or undefined: a free one. */
  readonly webUiFront?: ((at: WebUiFrontOptions) => Promise<WebUiFront>) | undefined;
  /** False, for tests: Postgres without fsync. */
  readonly durable?: boolean | undefined;
}

export interface WebUiFrontOptions {
  readonly port: number | undefined;
  readonly namespace: string;
  /** As {@link DevEnvironment} has it. */
  readonly keyFile: string | undefined;
}

/** A server of ours that shows the Web UI as its own, and decodes payloads for it. */
export interface WebUiFront {
  readonly url: string;
  readonly codecEndpoint: string;
  /** Where the Web UI is. */
  readonly showWebUi: (url: string) => void;
  readonly close: () => Promise<void>;
}

export interface DevEnvironment {
  readonly temporalAddress: string;
  readonly namespace: string;
  /** Undefined when Temporal is not one started here. */
  readonly uiUrl?: string;
  readonly databaseUrl: string;
  /** The keys by which everything is encrypted; undefined when LOCKKEEPER_KEYS or LOCKKEEPER_KEY_FILE has others. */
  readonly keyFile?: string;
  /** Stops Temporal, then Postgres, each gracefully and then by force: 30 s at most. May be called twice. */
  readonly stop: () => Promise<void>;
}

interface Part {
  readonly stop: () => Promise<void>;
}

/**
 * Starts a Temporal server and a Postgres for development and tests, both at once, and returns when both answer. They end
 * with this process, also when it is killed; another start on the same `dir` finds the same workflows and rows.
 * With them comes a file with a key, made once: what runs here is encrypted as in production.
 * The ledger's migrations are the caller's.
 *
 * @throws LockkeeperError `USAGE` when another process runs on `dir`, and those of `findTemporal`, `startTemporal`, `startPostgres`.
 * @example const dev = await startDev({ searchAttributes: {}, log: console.error });
 */
export async function startDev(options: StartDevOptions): Promise<DevEnvironment> {
  const dir = resolve(options.dir ?? '.lockkeeper');
  const env = options.env ?? process.env;
  await makeDir(dir);
  const unlock = lockDir(dir);
  let keyFile: string | undefined;
  try {
    keyFile = keyFileIn(dir, env);
  } catch (error) {
    unlock();
    throw error;
  }
  const [temporal, postgres] = await Promise.allSettled([
    temporalPart(dir, keyFile, env, options),
    postgresPart(dir, env, options),
  ]);
  const stopAll = async () => {
    try {
      // Temporal first: what still runs finds its ledger until the end.
      await stopIfStarted(temporal).finally(() => stopIfStarted(postgres));
    } finally {
      unlock();
    }
  };
  if (temporal.status === 'fulfilled' && postgres.status === 'fulfilled') {
    let stopped: Promise<void> | undefined;
    const { address: temporalAddress, ...rest } = temporal.value;
    return {
      ...rest,
      ...(keyFile !== undefined && { keyFile }),
      temporalAddress,
      databaseUrl: postgres.value.url,
      stop: () => (stopped ??= stopAll()),
    };
  }

  await stopAll();
  const [first, second] = [temporal, postgres].flatMap((part) =>
    part.status === 'rejected' ? [part.reason as unknown] : [],
  );
  if (second) options.log(errorMessage(second));
  throw first;
}

function keyFileIn(dir: string, env: NodeJS.ProcessEnv): string | undefined {
  if (env.LOCKKEEPER_KEYS || env.LOCKKEEPER_KEY_FILE) return undefined;
  const file = join(dir, 'keys');
  if (!existsSync(file)) addKey(file, 'development');
  return file;
}

async function stopIfStarted(part: PromiseSettledResult<Part>): Promise<void> {
  if (part.status === 'fulfilled') await part.value.stop();
}

async function temporalPart(
  dir: string,
  keyFile: string | undefined,
  env: NodeJS.ProcessEnv,
  { temporalPort: port, uiPort, searchAttributes, dynamicConfig, webUiFront, log }: StartDevOptions,
): Promise<Part & { address: string; namespace: string; uiUrl?: string }> {
  const namespace = env.TEMPORAL_NAMESPACE ?? 'default';
  if (env.TEMPORAL_ADDRESS) return { address: env.TEMPORAL_ADDRESS, namespace, stop: nothing };
  const { path: binary } = await findTemporal({ cacheDir: userCacheDir(env), env, log });
  const settings = { binary, dir, port, searchAttributes, namespace, dynamicConfig, log };
  if (!webUiFront) {
    const { address, uiUrl, stop } = await startTemporal({ ...settings, uiPort });
    return { address, uiUrl, namespace, stop };
  }
  const front = await webUiFront({ port: uiPort, namespace, keyFile }).catch(async (error: unknown) => {
    // All ports that are taken are told at once.
    if (isLockkeeperError(error, 'PORT_TAKEN')) await expectFree(portsOf(port, uiPort));
    throw error;
  });
  try {
    const server = await startTemporal({ ...settings, codecEndpoint: front.codecEndpoint });
    front.showWebUi(server.uiUrl);
    const stop = () => front.close().finally(server.stop);
    return { address: server.address, uiUrl: front.url, namespace, stop };
  } catch (error) {
    await front.close();
    throw error;
  }
}

async function postgresPart(
  dir: string,
  env: NodeJS.ProcessEnv,
  { postgresPort: port, durable, log }: StartDevOptions,
): Promise<Part & { url: string }> {
  if (env.DATABASE_URL) return { url: env.DATABASE_URL, stop: nothing };
  return startPostgres({ dir, port, durable, log });
}

async function makeDir(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
    await access(dir, constants.W_OK);
  } catch (cause) {
    throw new LockkeeperError('USAGE', `the state cannot be kept in ${dir}: ${errorMessage(cause)}`, {
      next: 'Choose a directory that this user may write to with --dir',
      cause,
    });
  }
}

async function nothing(): Promise<void> {
  // It was started elsewhere, and goes on.
}
