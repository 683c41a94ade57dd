import { readFileSync } from 'node:fs';
import { homedir, platform } from 'node:os';
import { join } from 'node:path';
import { loadClientConfigFromToml } from '@temporalio/envconfig';
import { LockkeeperError } from '../errors.ts';

const DEFAULT_PROFILE = 'default';

export interface Profiles {
  /** What is in the file; undefined when there is none, or no profile in it. */
  readonly text: string | undefined;
  /** The profile that is used, for people. */
  readonly name: string;
}

/**
 * Reads `temporal.toml`: the one of TEMPORAL_CONFIG_FILE, which must be there then, or the user's. Nothing of what is in it
 * gets into an error: it may hold an API key.
 * @throws {LockkeeperError} TEMPORAL_CONFIG_INVALID
 */
export function readProfiles(env: Readonly<Record<string, string>>): Profiles {
  const wished = env['TEMPORAL_CONFIG_FILE'];
  const profile = env['TEMPORAL_PROFILE'];
  const file = wished ?? usersFile(env);
  const text = read(file, wished !== undefined);
  const names = text === undefined ? [] : profilesIn(text, file);
  if (profile !== undefined && !names.includes(profile)) throw noProfile(profile, file, text, names);
  return {
    text: names.length > 0 ? text : undefined,
    name: `profile ${profile ?? DEFAULT_PROFILE} of ${file}`,
  };
}

/** Where Temporal's tools look. */
function usersFile(env: Readonly<Record<string, string>>): string {
  const home = env['HOME'] ?? homedir();
  const byPlatform: Partial<Record<NodeJS.Platform, string | undefined>> = {
    win32: env['APPDATA'],
    darwin: join(home, 'Library', 'Application Support'),
  };
  return join(byPlatform[platform()] ?? env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'temporalio', 'temporal.toml');
}

function read(file: string, mustBeThere: boolean): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !mustBeThere) return undefined;
    const which = mustBeThere ? `TEMPORAL_CONFIG_FILE names ${file}, which` : file;
    throw new LockkeeperError(
      'TEMPORAL_CONFIG_INVALID',
      `${which} ${code === 'ENOENT' ? 'does not exist' : `cannot be read: ${code}`}`,
      {
        next: mustBeThere
          ? 'Correct the path, or unset it'
          : 'Make it readable for this user, or name another with TEMPORAL_CONFIG_FILE',
      },
    );
  }
}

function profilesIn(text: string, file: string): string[] {
  try {
    return Object.keys(loadClientConfigFromToml(Buffer.from(text), { strict: false }).profiles);
  } catch (error) {
    // A file without any profile trips the library; for us there is just nothing in it.
    if (error instanceof TypeError) return [];
    throw new LockkeeperError('TEMPORAL_CONFIG_INVALID', `${file}${placeOf(error)}: ${firstLine(error)}`, {
      next: 'Expected TOML such as [profile.default] and address = "localhost:7233"',
    });
  }
}

function placeOf(error: unknown): string {
  const { line, column } = error as { line?: number; column?: number };
  return line === undefined ? '' : `:${line}:${column}`;
}

/** The lines below show the file. */
const firstLine = (error: unknown) => (error as Error).message.split('\n', 1)[0]!;

function noProfile(profile: string, file: string, text: string | undefined, names: readonly string[]): LockkeeperError {
  const there =
    text === undefined
      ? `there is no ${file}`
      : `${file} has ${names.length === 0 ? 'no profile' : names.map((name) => `\`${name}\``).join(', ')}`;
  return new LockkeeperError('TEMPORAL_CONFIG_INVALID', `TEMPORAL_PROFILE is \`${profile}\`, and ${there}`, {
    next: `Correct TEMPORAL_PROFILE, or add [profile.${profile}] to the file`,
  });
}
