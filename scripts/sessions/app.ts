import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, inTime } from '../../test/support/eventually.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** Nothing takes this long to be ready, or to end, milliseconds. */
const WITHIN = 60_000;

/** The worker in the background, as a service manager would start it. */
const START_WORKER = `#!/bin/sh -e
setsid lockkeeper worker >worker.log 2>&1 </dev/null &
echo $! >worker.pid
timeout 30 sh -c 'until grep -q "worker ready" worker.log; do sleep 0.05; done'
`;

/** A deploy as the reader's own would be: stop the old code, start the new. */
const DEPLOY = `#!/bin/sh -e
echo "deploy.sh: stopping the worker of v1"
pid=$(cat worker.pid)
kill "$pid"
timeout 30 sh -c "while kill -0 $pid 2>/dev/null; do sleep 0.05; done"
sed "s/'v1'/'v2'/" jobs.ts >jobs.new && mv jobs.new jobs.ts
echo "deploy.sh: starting the worker of v2"
./start-worker.sh
`;

/** The home of somebody who tries lockkeeper, in which `my-app` is made. */
export class App {
  readonly home = mkdtempSync(join(tmpdir(), 'lockkeeper-session-'));
  readonly folder = join(this.home, 'my-app');
  /** Of the terminals; once `start` has returned, with the servers' addresses. */
  env: NodeJS.ProcessEnv;
  readonly #processes: ChildProcess[] = [];

  constructor() {
    // Postgres runs as another user when we are root.
    chmodSync(this.home, 0o755);
    const bin = join(this.home, '.bin');
    mkdirSync(bin);
    script(join(bin, 'lockkeeper'), `#!/bin/sh\nexec node "${PROJECT}/dist/cli/main.js" "$@"\n`);
    const PATH = `${bin}:${process.env['PATH']}`;
    this.env = { PATH, HOME: this.home, LANG: 'C.UTF-8', LOCKKEEPER_USER: 'ada' };
  }

  /** What npm install, `npm run dev`, `npm run worker` and `npm run deploy-worker` do in terminals that are not recorded. */
  async start(): Promise<void> {
    mkdirSync(join(this.folder, 'node_modules'));
    symlinkSync(PROJECT, join(this.folder, 'node_modules/lockkeeper'));
    script(join(this.folder, 'start-worker.sh'), START_WORKER);
    script(join(this.folder, 'deploy.sh'), DEPLOY);
    // The binaries that were fetched before are in the real home.
    const dev = ['dev', '--temporal-port', '0', '--ui-port', '0', '--postgres-port', '0'];
    await this.#spawn('dev', dev, /Ctrl-C stops it/, { ...this.env, HOME: process.env['HOME'] });
    const servers = execFileSync('sh', ['-c', '. .lockkeeper/env && env'], { cwd: this.folder, env: this.env });
    this.env = Object.fromEntries(
      servers
        .toString()
        .split('\n')
        .filter((line) => line.includes('='))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    await this.#spawn('deploy-worker', ['deploy-worker'], /deploy worker ready/, this.env);
    execFileSync('./start-worker.sh', { cwd: this.folder, env: this.env });
  }

  async stop(): Promise<void> {
    try {
      await this.#stopWorker();
      for (const child of this.#processes.reverse()) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const exited = once(child, 'exit');
        child.kill('SIGINT');
        await inTime(exited, WITHIN, `${child.spawnargs.join(' ')} has not ended`);
      }
    } finally {
      rmSync(this.home, { recursive: true, force: true });
    }
  }

  async #spawn(name: string, args: readonly string[], ready: RegExp, env: NodeJS.ProcessEnv): Promise<void> {
    const file = join(this.folder, `${name}.log`);
    const out = openSync(file, 'a');
    const child = spawn('lockkeeper', args, { cwd: this.folder, env, stdio: ['ignore', out, out] });
    this.#processes.push(child);
    await eventually(
      () => {
        const said = readFileSync(file, 'utf8');
        if (!ready.test(said)) throw new Error(`lockkeeper ${name} is not ready, it said:\n${said}`);
      },
      { within: WITHIN, every: 50 },
    );
  }

  async #stopWorker(): Promise<void> {
    let pid: number;
    try {
      pid = Number(readFileSync(join(this.folder, 'worker.pid'), 'utf8'));
    } catch (error) {
      // It was never started.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    await eventually(
      () => {
        if (isAlive(pid)) {
          process.kill(pid, 'SIGTERM');
          throw new Error(`worker ${pid} does not stop`);
        }
      },
      { within: WITHIN, every: 200 },
    );
  }
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

function script(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o755 });
}
