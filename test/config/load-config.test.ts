import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findConfigFile } from '../../src/config/find-file.ts';
import { loadConfig } from '../../src/config/index.ts';
import { configOf, errorOf, folderOf } from './folder.ts';

describe('finding the file', () => {
  const find = (files: readonly string[], from: string) => {
    const folder = folderOf(Object.fromEntries([...files, `${from}/x`].map((name) => [name, ''])));
    return findConfigFile(undefined, join(folder, from)).slice(folder.length + 1);
  };

  test.each([
    ['in the directory', ['lockkeeper.yaml'], '.', 'lockkeeper.yaml'],
    ['as .yml', ['lockkeeper.yml'], '.', 'lockkeeper.yml'],
    ['in a parent', ['lockkeeper.yaml'], 'a/b', 'lockkeeper.yaml'],
    ['in the nearest parent', ['lockkeeper.yaml', 'a/lockkeeper.yml'], 'a/b', 'a/lockkeeper.yml'],
  ])('%s', (_title, files, from, expected) => {
    expect(find(files, from)).toBe(expected);
  });

  test('nowhere: the error says what was looked for, and what to do', async () => {
    const folder = folderOf({});
    const error = await errorOf(() => findConfigFile(undefined, folder));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toContain(
      `found no lockkeeper.yaml or lockkeeper.yml in ${folder} or any directory above it`,
    );
    expect(error.next).toContain('Create lockkeeper.yaml');
  });

  test('a given path that does not exist', async () => {
    const error = await errorOf(loadConfig('/nowhere/x.yaml'));
    expect(error).toMatchObject({
      code: 'CONFIG_INVALID',
      next: expect.stringContaining('Correct the path') as string,
    });
    expect(error.message).toContain('the config /nowhere/x.yaml does not exist');
  });

  test('a given path that is a directory', async () => {
    const error = await errorOf(loadConfig(folderOf({})));
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', cause: { code: 'EISDIR' } });
  });
});

test('the smallest config has every default', async () => {
  const folder = folderOf({ 'lockkeeper.yaml': 'environment: test\njobs: ./jobs.ts' });
  const file = join(folder, 'lockkeeper.yaml');
  const drain = { deadlineMs: 60_000, onTimeout: 'abandon', waitMs: 600_000 };
  expect(await loadConfig(file, {})).toEqual({
    file,
    directory: folder,
    environment: 'test',
    jobs: [join(folder, 'jobs.ts')],
    worker: { shutdownGraceMs: 20_000, shutdownForceMs: 25_000 },
    drain,
    encryption: {},
    participants: [],
    freezeWindows: [],
    databases: new Map([['ledger', { env: 'DATABASE_URL' }]]),
    notices: [],
    codecServer: {
      address: '127.0.0.1',
      origins: [],
      plainHttp: false,
      port: 8234,
      tokenEnv: 'LOCKKEEPER_CODEC_TOKEN',
    },
    plans: new Map([
      [
        'default',
        {
          parameters: new Map(),
          drain,
          steps: [{ type: 'external', name: 'external', timeoutMs: 3_600_000, leaseMs: 15_000, claimWithinMs: 60_000 }],
          onFailure: 'rollback',
          holdMs: 3_600_000,
        },
      ],
    ]),
  });
});

test('options with nothing behind them are left out', async () => {
  const empty = 'workflows:\nworker:\ndrain:\nqueues:\nparticipants:\ndatabases:\nplans:\n';
  const config = await configOf(`environment: test\njobs: /jobs.ts\n${empty}`);
  const { file, directory } = config;
  expect(config).toEqual({ ...(await configOf('environment: test\njobs: /jobs.ts')), file, directory });
  expect(config).not.toHaveProperty('queues');
});

test('paths are relative to the file, absolute ones stay', async () => {
  const config = await configOf('environment: test\njobs: [jobs/a.ts, /b.ts]\nworkflows: ../w.ts');
  expect(config.jobs).toEqual([join(config.directory, 'jobs/a.ts'), '/b.ts']);
  expect(config.workflows).toBe(join(config.directory, '../w.ts'));
});

test('a written `default` plan replaces the one that is always there', async () => {
  const config = await configOf('environment: test\njobs: a\nplans: { default: { steps: [migrate: ./m] } }');
  expect(config.plans.get('default')!.steps).toMatchObject([{ type: 'migrate' }]);
});
