import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';
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

/** Each starts servers of its own and mostly waits for them. */
const AT_ONCE = 2;

const only = process.argv[2];
const chosen = PLANTED_BUGS.filter((bug) => only === undefined || bug.breaks.includes(only));
const copies = mkdtempSync(path.join(tmpdir(), 'lockkeeper-planted-'));
try {
  const noticed = await pLimit(AT_ONCE).map(chosen, (bug, n) => notices(bug, path.join(copies, String(n))));
  const passed = noticed.filter(Boolean).length;
  console.log(`${passed} passed, ${chosen.length - passed} failed: planted bugs that a test noticed`);
  process.exitCode = passed === chosen.length && passed > 0 ? 0 : 1;
} finally {
  rmSync(copies, { recursive: true, force: true });
}

/** Plants a bug into a copy of the project; whether a test, and not a file that does not load, failed for it. */
async function notices(bug: PlantedBug, copy: string): Promise<boolean> {
  mkdirSync(copy);
  for (const one of COPIED) cpSync(path.join(PROJECT, one), path.join(copy, one), { recursive: true });
  symlinkSync(path.join(PROJECT, 'node_modules'), path.join(copy, 'node_modules'));
  const file = path.join(copy, bug.file);
  const parts = readFileSync(file, 'utf8').split(bug.from);
  if (parts.length !== 2) {
    console.log(`NOT PLANTED: ${bug.breaks}: ${bug.file} must hold this once, found ${parts.length - 1}: ${bug.from}`);
    return false;
  }
  writeFileSync(file, parts.join(bug.to));
  const { numFailedTests, numPassedTests } = await run(bug, copy);
  const noticed = numFailedTests > 0;
  console.log(
    `${noticed ? 'noticed' : `NOT NOTICED (${numPassedTests} tests passed)`}: ${bug.breaks} (${bug.caughtBy})`,
  );
  rmSync(copy, { recursive: true, force: true });
  return noticed;
}

async function run(bug: PlantedBug, copy: string): Promise<Report> {
  const output = path.join(copy, 'report.json');
  const named = bug.named === undefined ? [] : ['-t', bug.named];
  const vitest = path.join(PROJECT, 'node_modules/vitest/vitest.mjs');
  const said = await new Promise<string>((ended) => {
    execFile(
      process.execPath,
      [vitest, 'run', bug.caughtBy, ...named, '--bail', '1', '--reporter=json', `--outputFile=${output}`],
      { cwd: copy, timeout: WITHIN, killSignal: 'SIGINT', maxBuffer: Infinity },
      // Its exit code says only what the report says, too.
      (_error, stdout, stderr) => ended(stderr || stdout),
    );
  });
  try {
    return JSON.parse(readFileSync(output, 'utf8')) as Report;
  } catch (error) {
    throw new Error(`${bug.breaks}: the tests could not be run: ${said}`, { cause: error });
  }
}
