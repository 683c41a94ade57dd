import { readFile } from 'node:fs/promises';
import { LockkeeperError } from '../errors.ts';
import { buildConfig } from './build-config.ts';
import { checkRelations } from './checks/index.ts';
import type { Config } from './config.ts';
import { findConfigFile } from './find-file.ts';
import { configInvalid } from './problems.ts';
import { checkShape } from './schema/findings.ts';
import { Source } from './source.ts';

/**
 * Reads `lockkeeper.yaml`: the given file, or the nearest one in the working directory or above it. `${NAME}` and
 * `${NAME:-default}` in its values stand for variables of `env`.
 * @throws {LockkeeperError} CONFIG_INVALID, naming everything that is wrong, one per line: `file:line:column: what`
 * @example const config = await loadConfig();
 */
export async function loadConfig(path?: string, env: NodeJS.ProcessEnv = process.env): Promise<Config> {
  const file = findConfigFile(path);
  const source = new Source(await read(file), env);
  // What follows from a text that cannot be read would only hide the reason.
  if (source.value === undefined) throw configInvalid(file, source.lines, source.problems);
  const shape = checkShape(source);
  const findings = [...('findings' in shape ? shape.findings : []), ...checkRelations(source)];
  const problems = [...source.problems, ...source.locate(findings)];
  if (problems.length > 0 || !('parsed' in shape)) throw configInvalid(file, source.lines, problems);
  return buildConfig(file, shape.parsed);
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new LockkeeperError('CONFIG_INVALID', `the config ${file} cannot be read`, {
      next: 'It must be a readable text file',
      cause,
    });
  }
}
