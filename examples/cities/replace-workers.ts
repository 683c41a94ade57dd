/**
 * What a CI job would do to deploy: stop the workers of the old version, start those of the new one.
 * `node replace-workers.ts <version> <count>`; the state directory comes from the environment.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const CLI = path.join(HERE, '../../dist/cli/main.js');
/** How long an old worker may take to stop, and a new one to be ready, milliseconds. */
const STOP_WITHIN = 30_000;
const READY_WITHIN = 60_000;

const [version = 'v1', count = '2'] = process.argv.slice(2);
const directory = path.join(process.env['CITIES_STATE'] ?? '.lockkeeper/demo', 'workers');
mkdirSync(directory, { recursive: true });

await Promise.all(runningWorkers().map(stop));
await Promise.all(Array.from({ length: Number(count) }, (_, i) => start(`${version}-${i + 1}`)));

function runningWorkers(): { file: string; pid: number }[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.pid'));
  return files.map((file) => ({ file, pid: Number(readFileSync(path.join(directory, file), 'utf8')) }));
}

async function stop({ file, pid }: { file: string; pid: number }): Promise<void> {
  if (isAlive(pid)) process.kill(pid, 'SIGTERM');
  await until(() => !isAlive(pid), STOP_WITHIN, `worker ${file} (pid ${pid}) did not stop`);
  rmSync(path.join(directory, file));
  console.log(`stopped ${path.basename(file, '.pid')}`);
}

async function start(name: string): Promise<void> {
  const log = path.join(directory, `${name}.log`);
  const out = openSync(log, 'a');
  // Detached: it goes on when this script, and the deploy that called it, have ended.
  const child = spawn(process.execPath, [CLI, 'worker', '--config', path.join(HERE, 'lockkeeper.yaml')], {
    env: { ...process.env, CITIES_VERSION: version },
    stdio: ['ignore', out, out],
    detached: true,
  });
  child.unref();
  writeFileSync(path.join(directory, `${name}.pid`), String(child.pid));
  await until(
    () => readFileSync(log, 'utf8').includes('worker ready'),
    READY_WITHIN,
    `worker ${name} is not ready; see ${log}`,
  );
  console.log(`started ${name}`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

async function until(condition: () => boolean, ms: number, complaint: string): Promise<void> {
  const deadline = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(complaint);
    await delay(50);
  }
}
