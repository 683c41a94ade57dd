import { defineConfig } from 'vitest/config';

/** Folders whose tests need no server, or start their own. Every other folder shares one Temporal and one Postgres. */
const WITHOUT_SERVERS = [
  'cli',
  'codec-server/http',
  'commands',
  'config',
  'crypto',
  'dev',
  'notices/receivers',
  'order',
  'testing/without-database',
  'workflows',
].map((folder) => `test/${folder}/**/*.test.ts`);

/** Real processes that are killed, frozen and cut off: minutes, and so a suite of their own, `npm run test:faults`. */
const FAULTS = ['failpoints', 'faults', 'kinds'].map((folder) => `test/${folder}/**/*.test.ts`);

/** Every block of the documentation, compiled, loaded or run: a suite of its own, `npm run test:docs`. */
const DOCS = ['test/docs/**/*.test.ts'];

/** The packed package in projects of strangers: installs from the registry, `npm run test:package`. */
const PACKAGE = ['test/package/**/*.test.ts'];

export default defineConfig({
  test: {
    // The tests start real processes and wait for real clocks: two cores are half idle with two files at once, and with many more
    // at once waits run out.
    maxWorkers: 3,
    // Everything is encrypted, as in production, unless a test says otherwise.
    env: { LOCKKEEPER_KEYS: `test:${Buffer.alloc(32, 'lockkeeper').toString('base64')}` },
    projects: [
      {
        extends: true,
        test: {
          name: 'no-servers',
          include: WITHOUT_SERVERS,
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: [...WITHOUT_SERVERS, ...FAULTS, ...PACKAGE, ...DOCS],
          globalSetup: 'test/support/servers.ts',
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'faults',
          include: FAULTS,
          globalSetup: 'test/support/servers.ts',
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'docs',
          include: DOCS,
          globalSetup: 'test/support/servers.ts',
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: PACKAGE,
          globalSetup: 'test/package/pack.ts',
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
