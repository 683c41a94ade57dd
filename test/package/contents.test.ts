import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { expect, inject, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const tarball = inject('tarball');
const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
  .trim()
  .split('\n')
  .map((path) => path.replace(/^package\//, ''));
const packed = (path: string) => execFileSync('tar', ['-xzOf', tarball, `package/${path}`], { encoding: 'utf8' });

/**
 * Bytes; two thirds of it are the prebuilt bundles of workflows with their maps, one for workers with keys and one for those without.
 * Something that does not belong there is soon more.
 */
const AT_MOST = 1_600_000;

test('it has what its users need', () => {
  expect(files).toEqual(
    expect.arrayContaining([
      'README.md',
      'LICENSE',
      'action.yml',
      'package.json',
      'lockkeeper.schema.json',
      'dist/cli/main.js',
      'dist/index.d.ts',
      'dist/workflow.d.ts',
      'dist/testing.d.ts',
      'dist/workflows.bundle.js',
      'dist/ledger/migrations/001_ledger.sql',
      'dist/config/example.yaml',
      ...['lockkeeper.yaml', 'jobs.ts', 'jobs.js', 'docker-compose.yml', 'github.yml', 'gitlab.yml'].map(
        (name) => `dist/cli/init/templates/${name}`,
      ),
    ]),
  );
});

test('and nothing else: no sources, no tests, no maps of sources that are not there, and it is small', () => {
  expect(
    files.filter(
      (path) => !/^dist\/|^(README\.md|LICENSE|action\.yml|package\.json|lockkeeper\.schema\.json)$/.test(path),
    ),
  ).toEqual([]);
  expect(files.filter((path) => /\.map$|\.test\.|failpoints\/|histories/.test(path))).toEqual([]);
  expect(files.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))).toEqual([
    'dist/cli/init/templates/jobs.ts',
  ]);
  expect(packed('dist/failpoints.js')).not.toMatch(/env|kill|throw/);
  expect(statSync(tarball).size).toBeLessThan(AT_MOST);
});

test('every dependency is imported by what is packed', () => {
  const { dependencies } = JSON.parse(packed('package.json')) as { dependencies: Record<string, string> };
  const code = files
    .filter((path) => /\.(d\.ts|js)$/.test(path) && !path.includes('bundle'))
    .map((path) => readFileSync(`${ROOT}/${path}`, 'utf8'))
    .join('\n');
  const unused = Object.keys(dependencies).filter(
    (name) => !new RegExp(`(from|import\\()\\s*['"]${name.replace('@types/', '')}(/[^'"]*)?['"]`).test(code),
  );
  expect(unused).toEqual([]);
});

test('publint finds nothing', async () => {
  const buffer = readFileSync(tarball);
  const { messages, pkg } = await publint({
    pack: { tarball: buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength) },
    strict: true,
  });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});

test('its types are right for everybody who can import it', () => {
  // It is ES modules only, so that of the four ways of looking for types two remain.
  const attw = `${ROOT}/node_modules/@arethetypeswrong/cli/dist/index.js`;
  const told = execFileSync(process.execPath, [attw, tarball, '--profile', 'esm-only', '--format', 'json'], {
    encoding: 'utf8',
  });
  expect(JSON.parse(told)).toMatchObject({ analysis: { types: { kind: 'included' } } });
});
