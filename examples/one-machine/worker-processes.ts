import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { processOf } from '../../dist/commands/process-table.js';
import { startScript } from './child-processes.ts';
import { until } from './waiting.ts';

export const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** How long a worker may take to stop, milliseconds. */
const STOP_WITHIN = 30_000;

interface WorkerProcess {
  readonly name: string;
  readonly pid: number;
}

/**
 * The workers of an example, each with a file for its pid and one for its log in the directory EXAMPLE_STATE: so a script
 * that a deploy runs finds those that another process has started.
 */
export class WorkerProcesses {
  readonly #env: NodeJS.ProcessEnv;
  readonly #directory: string;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
    this.#directory = path.join(env['EXAMPLE_STATE']!, 'workers');
    mkdirSync(this.#directory, { recursive: true });
  }

  /** Those that were started and not stopped by {@link stop}; some may have ended by other means. */
  all(): WorkerProcess[] {
    return this.#files('.pid').map((name) => ({ name, pid: Number(readFileSync(this.#file(name, 'pid'), 'utf8')) }));
  }

  /** Resolves with its name when it takes work. */
  async start(version: string): Promise<string> {
    const ofVersion = this.#files('.log').filter((name) => name.startsWith(`${version}-`));
    const name = `${version}-${ofVersion.length + 1}`;
    await startScript([CLI, 'worker', '--config', this.#env['EXAMPLE_CONFIG']!], {
      env: { ...this.#env, EXAMPLE_VERSION: version },
      log: this.#file(name, 'log'),
      ready: 'worker ready',
      // It goes on when this process, and the deploy that called it, have ended.
      detached: true,
      onStarted: (pid) => writeFileSync(this.#file(name, 'pid'), String(pid)),
    });
    return name;
  }

  /** SIGTERM; resolves when it has exited. */
  async stop({ name, pid }: WorkerProcess): Promise<void> {
    if (isAlive(pid)) process.kill(pid, 'SIGTERM');
    await until(() => !isAlive(pid), `worker ${name} (pid ${pid}) did not stop`, STOP_WITHIN);
    rmSync(this.#file(name, 'pid'));
  }

  #files(ending: string): string[] {
    return readdirSync(this.#directory)
      .filter((file) => file.endsWith(ending))
      .map((file) => path.basename(file, ending));
  }

  #file(name: string, ending: 'pid' | 'log'): string {
    return path.join(this.#directory, `${name}.${ending}`);
  }
}

/** A process that has ended may keep its pid for as long as its parent does not collect it. */
function isAlive(pid: number): boolean {
  const found = processOf(pid);
  return found !== undefined && !found.zombie;
}
