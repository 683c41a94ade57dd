import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PLANTED_BUGS } from './bugs.ts';
import type { PlantedBug } from './bugs.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const COPIED = ['src', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
/** One file of tests and its servers, milliseconds. */
const WITHIN = 300_000;

interface Report {
  readonly numFailedTests: number;
  readonly numPassedTests: number;
}

const only = process.argv[2];
const chosen = PLANTED_BUGS.filter((bug) => only === undefined || bug.breaks.includes(only));
const copy = mkdtempSync(path.join(tmpdir(), 'lockkeeper-planted-'));
try {
  const unnoticed = chosen.filter((bug) => !notices(bug));
  console.log(
    `${chosen.length - unnoticed.length} passed, ${unnoticed.length} failed: planted bugs that a test noticed`,
  );
  process.exitCode = unnoticed.length === 0 && chosen.length > 0 ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

/** Plants a bug into a copy of the project; whether a test, and not a file that does not load, failed for it. */
function notices(bug: PlantedBug): boolean {
  for (const one of COPIED) {
    rmSync(path.join(copy, one), { recursive: true, force: true });
    cpSync(path.join(PROJECT, one), path.join(copy, one), { recursive: true });
  }
  rmSync(path.join(copy, 'node_modules'), { force: true });
  symlinkSync(path.join(PROJECT, 'node_modules'), path.join(copy, 'node_modules'));
  const file = path.join(copy, bug.file);
  const parts = readFileSync(file, 'utf8').split(bug.from);
  if (parts.length !== 2) {
    console.log(`NOT PLANTED: ${bug.breaks}: ${bug.file} must hold this once, found ${parts.length - 1}: ${bug.from}`);
    return false;
  }
  writeFileSync(file, parts.join(bug.to));
  const { numFailedTests, numPassedTests } = run(bug);
  const noticed = numFailedTests > 0;
  console.log(
    `${noticed ? 'noticed' : `NOT NOTICED (${numPassedTests} tests passed)`}: ${bug.breaks} (${bug.caughtBy})`,
  );
  return noticed;
}

function run(bug: PlantedBug): Report {
  const output = path.join(copy, 'report.json');
  rmSync(output, { force: true });
  const named = bug.named === undefined ? [] : ['-t', bug.named];
  const vitest = path.join(PROJECT, 'node_modules/vitest/vitest.mjs');
  const ended = spawnSync(
    process.execPath,
    [vitest, 'run', bug.caughtBy, ...named, '--bail', '1', '--reporter=json', `--outputFile=${output}`],
    { cwd: copy, encoding: 'utf8', timeout: WITHIN, killSignal: 'SIGINT' },
  );
  try {
    return JSON.parse(readFileSync(output, 'utf8')) as Report;
  } catch (error) {
    throw new Error(`${bug.breaks}: the tests could not be run: ${ended.stderr || ended.stdout}`, { cause: error });
  }
}
