import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extendManifest } from './manifest.ts';
import type { Scripts } from './manifest.ts';
import type { Project } from './project.ts';

export const CI_SYSTEMS = ['github', 'gitlab', 'none'] as const;
export type CiSystem = (typeof CI_SYSTEMS)[number];

/** What becomes of one file. */
export interface Change {
  /** From the project's directory. */
  readonly path: string;
  readonly action: 'created' | 'changed' | 'replaced' | 'kept';
  readonly note?: string;
  /** The whole new text; without it the file stays as it is. */
  readonly text?: string;
}

export interface Plan {
  readonly changes: readonly Change[];
  readonly scripts: Scripts;
}

export interface PlanOptions {
  readonly ci: CiSystem;
  readonly force?: boolean | undefined;
}

/** Everything that makes the project one with lockkeeper. Looks, and writes nothing. */
export function planChanges(project: Project, { ci, force }: PlanOptions): Plan {
  const { directory } = project;
  const jobs = `jobs.${jobsExtension(project)}`;
  const fromTemplate = (template: string, names: readonly [string, ...string[]]): Change => {
    const path = names.find((name) => isThere(join(directory, name))) ?? names[0];
    const text = readTemplate(template).replaceAll('jobs.ts', jobs);
    if (!isThere(join(directory, path))) return { path, action: 'created', text };
    return force ? { path, action: 'replaced', text } : { path, action: 'kept', note: 'it was there already' };
  };
  const config = fromTemplate('lockkeeper.yaml', ['lockkeeper.yaml', 'lockkeeper.yml']);
  const module = fromTemplate(project.language === 'typescript' ? 'jobs.ts' : 'jobs.js', [jobs]);
  const compose = fromTemplate('docker-compose.yml', [
    'docker-compose.yml',
    'docker-compose.yaml',
    'compose.yaml',
    'compose.yml',
  ]);
  const manifest = extendManifest(project.manifest);
  return {
    changes: [
      config,
      noted(module, config),
      compose,
      ...ciChanges(project, ci, fromTemplate),
      manifestChange(project, manifest),
      gitignoreChange(directory),
    ],
    scripts: manifest.scripts,
  };
}

/** Where only one of config and jobs is new, they may not know of each other. */
function noted(module: Change, config: Change): Change {
  if (module.action !== 'kept' && config.action === 'kept')
    return { ...module, note: `name it under \`jobs\` in ${config.path}` };
  if (module.action === 'kept' && config.action !== 'kept')
    return { ...module, note: 'it was there already; it must export what `defineJob` returns' };
  return module;
}

/** Node takes `.ts` and `.js` for ES modules only where package.json says so. */
function jobsExtension({ language, manifest }: Project): string {
  const extension = language === 'typescript' ? 'ts' : 'js';
  return manifest && manifest.value['type'] !== 'module' ? `m${extension}` : extension;
}

function ciChanges(
  { packageManager }: Project,
  ci: CiSystem,
  fromTemplate: (template: string, names: readonly [string]) => Change,
): Change[] {
  const inManager = (change: Change): Change =>
    change.text === undefined
      ? change
      : {
          ...change,
          text: change.text.replace('npm ci', packageManager.installLocked).replaceAll('npx', packageManager.exec),
        };
  switch (ci) {
    case 'github':
      return [inManager(fromTemplate('github.yml', ['.github/workflows/lockkeeper-deploy.yml']))];
    case 'gitlab': {
      const change = inManager(fromTemplate('gitlab.yml', ['.gitlab/lockkeeper-deploy.yml']));
      return [change.action === 'kept' ? change : { ...change, note: 'include it in .gitlab-ci.yml' }];
    }
    case 'none':
      return [];
  }
}

function manifestChange({ manifest }: Project, { text, added }: ReturnType<typeof extendManifest>): Change {
  const path = 'package.json';
  if (added.length === 0) return { path, action: 'kept', note: 'it has everything already' };
  return { path, action: manifest ? 'changed' : 'created', note: added.join('; '), text };
}

/** State of development, and keys: neither belongs into a repository. */
const IGNORED = ['.lockkeeper/', 'lockkeeper.keys'];

function gitignoreChange(directory: string): Change {
  const path = '.gitignore';
  const file = join(directory, path);
  if (!isThere(file)) return { path, action: 'created', text: `node_modules/\n${IGNORED.join('\n')}\n` };
  const before = readFileSync(file, 'utf8');
  const lines = before.split('\n').map((line) => line.trim().replace(/^\/|\/$/g, ''));
  const missing = IGNORED.filter((name) => !lines.includes(name.replace(/\/$/, '')));
  if (missing.length === 0) return { path, action: 'kept', note: `it has ${IGNORED.join(' and ')} already` };
  const text = `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${missing.join('\n')}\n`;
  return { path, action: 'changed', note: missing.join(' '), text };
}

/** A link that leads nowhere is something too. What cannot be looked at cannot be written either, and that will say why. */
function isThere(file: string): boolean {
  try {
    lstatSync(file);
    return true;
  } catch {
    return false;
  }
}

const readTemplate = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`./templates/${name}`, import.meta.url)), 'utf8');
