import { execFile } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { atEnd } from './at-end.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const ON_A_MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
/** Where the Chromium of the npm package is unpacked, once. */
const UNPACKED = fileURLToPath(new URL('../../node_modules/.cache/chromium', import.meta.url));

/** Nothing of Chromium's own goes anywhere, and it runs as root and without a screen. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser for the test or file; it is closed at its end. */
export async function launchChromium(): Promise<Browser> {
  const { file, libraries } = await findChromium();
  const browser = await chromium.launch({
    executablePath: file,
    args: ARGS,
    ...(libraries !== undefined && { env: { ...process.env, LD_LIBRARY_PATH: libraries } }),
  });
  atEnd(() => browser.close());
  return browser;
}

interface Found {
  readonly file: string;
  /** Of the npm package, for machines that do not have what a browser needs. */
  readonly libraries?: string;
}

/** CHROMIUM_PATH, one on the PATH or in its usual place, else that of the npm package. */
async function findChromium(): Promise<Found> {
  const wished = process.env['CHROMIUM_PATH'];
  if (wished) return { file: wished };
  const usual = [
    ...(process.env['PATH'] ?? '').split(delimiter).flatMap((dir) => NAMES.map((name) => join(dir, name))),
    ON_A_MAC,
  ];
  for (const file of usual) {
    const there = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return { file };
  }
  if (process.platform === 'linux' && process.arch === 'x64') return unpacked();
  throw new Error(
    `there is no Chromium for this test: none of ${NAMES.join(', ')} is on the PATH. Install one, or name it with CHROMIUM_PATH`,
  );
}

async function unpacked(): Promise<Found> {
  if (!existsSync(UNPACKED)) await unpack();
  return { file: join(UNPACKED, 'chromium'), libraries: join(UNPACKED, 'al2023', 'lib') };
}

/** The package unpacks into the temporary directory, and the libraries only where it believes to be in a function of Amazon's. */
async function unpack(): Promise<void> {
  await mkdir(dirname(UNPACKED), { recursive: true });
  const beside = await mkdtemp(`${UNPACKED}-`);
  const script = "import('@sparticuz/chromium').then(({ default: chromium }) => chromium.executablePath())";
  const env = { ...process.env, TMPDIR: beside, AWS_LAMBDA_JS_RUNTIME: 'nodejs22.x' };
  await promisify(execFile)(process.execPath, ['-e', script], { env });
  try {
    await rename(beside, UNPACKED);
  } catch (error) {
    // Another run was faster.
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    await rm(beside, { recursive: true });
  }
}
