/**
 * Runs a command of this project on a fresh clone: `node scripts/run.mjs <command> [args...]`. Installs the dependencies
 * first when they are missing or not those of package-lock.json, then runs the command with node_modules/.bin in front of
 * the PATH, so that `node` is the version this project asks for. Needs nothing but Node 18 and npm.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const installLock = join(root, '.lockkeeper', 'installing');
const INSTALL_MS = 10 * 60_000;

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  fail('usage: node scripts/run.mjs <command> [args...]', 64);
}
if (!installed()) await oneAtATime(install);
process.exitCode = await run(command, args, {
  cwd: process.cwd(),
  env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
});

/** npm writes down what it installed when it has finished; that is compared, so installing by hand is fine too. */
function installed() {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  if (wanted === undefined) fail(`no package-lock.json in ${root}: it belongs to the project, restore it`, 66);
  const present = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (present === undefined) return false;
  const same = Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
    if (path === '') return true;
    const found = present[path];
    return found ? found.version === version : Boolean(optional || devOptional);
  });
  return same && spawnSync(join(bin, 'node'), ['--version'], { stdio: 'ignore' }).status === 0;
}

function packagesOf(lockfile) {
  try {
    return JSON.parse(readFileSync(lockfile, 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function install() {
  if (installed()) return;
  console.error('Installing dependencies (first run) ...');
  // Under `npm run` this is the npm that was called; by hand it is the one on the PATH.
  const { npm_execpath: npm } = process.env;
  const [file, ...before] = npm?.endsWith('npm-cli.js') ? [process.execPath, npm] : ['npm'];
  const code = await run(file, [...before, 'ci', '--no-audit', '--no-fund'], { cwd: root, env: process.env });
  if (code !== 0)
    fail(`npm ci failed with exit code ${code}, see above. Nothing was run; mend it and try again.`, code);
  if (!installed()) {
    fail(
      'npm ci succeeded, but node_modules/.bin/node does not run. Were install scripts switched off? Try `npm rebuild node`.',
      1,
    );
  }
}

/** Two installs at once would delete each other's files. */
async function oneAtATime(act) {
  const deadline = Date.now() + INSTALL_MS;
  let told = false;
  mkdirSync(dirname(installLock), { recursive: true });
  while (!taken()) {
    if (Date.now() > deadline)
      fail(`another install has held ${installLock} for 10 minutes. If there is none, delete that.`, 75);
    if (!told) console.error('Waiting for another process that installs the dependencies ...');
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const release = () => rmSync(installLock, { recursive: true, force: true });
  process.on('exit', release);
  await act();
  process.off('exit', release);
  release();
}

function taken() {
  try {
    mkdirSync(installLock);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (abandoned()) rmSync(installLock, { recursive: true, force: true });
    return false;
  }
  writeFileSync(join(installLock, 'pid'), String(process.pid));
  return true;
}

function abandoned() {
  try {
    const pid = Number(readFileSync(join(installLock, 'pid'), 'utf8'));
    process.kill(pid, 0);
    return false;
  } catch (error) {
    if (error.code === 'ESRCH') return true;
    if (error.code === 'EPERM') return false;
    if (error.code !== 'ENOENT') throw error;
  }
  // No pid yet, or no directory any more. Its maker needs a moment to write the pid, not ten seconds.
  const found = statSync(installLock, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs > 10_000;
}

/** Runs to the end and answers the exit code; a signal counts as 128 and its number, as in a shell. */
function run(file, argv, options) {
  return new Promise((resolve) => {
    const child = spawn(file, argv, { ...options, stdio: 'inherit' });
    const forward = new Map();
    for (const signal of ['SIGINT', 'SIGTERM']) {
      let sent = false;
      const once = () => {
        // A terminal sends Ctrl-C to the command as well; a second one would read as "at once".
        const fromTerminal = signal === 'SIGINT' && process.stdin.isTTY;
        if (!sent && !fromTerminal) child.kill(signal);
        sent = true;
      };
      forward.set(signal, once);
      process.on(signal, once);
    }
    const done = (code) => {
      for (const [signal, once] of forward) process.off(signal, once);
      resolve(code);
    };
    child.on('error', (error) => {
      console.error(`cannot run ${file}: ${error.message}`);
      done(error.code === 'ENOENT' ? 127 : 126);
    });
    child.on('exit', (code, signal) => done(code ?? 128 + constants.signals[signal]));
  });
}

function fail(message, code) {
  console.error(message);
  process.exit(code);
}
