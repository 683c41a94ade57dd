import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { environmentOf, listProcesses } from '../../src/commands/process-table.ts';
import { atEnd } from './at-end.ts';
import { eventually, inTime } from './eventually.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** Everything a test starts carries this in its environment, and so do the children of that. */
const MARK = 'LOCKKEEPER_TEST_PROCESSES';
/** How long the end of a file waits for processes that are ending anyway. */
const END_WITHIN = 5_000;

export interface SpawnOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

export interface ExitOf {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that a test started; everything it writes is kept. */
export class TestProcess {
  readonly pid: number;
  /** Resolves when it has exited and everything it wrote was read. */
  readonly exited: Promise<ExitOf>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(child: ChildProcess) {
    if (child.pid === undefined) throw new Error(`${child.spawnfile} could not be started`);
    this.pid = child.pid;
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.exited = once(child, 'close').then((end: unknown[]) => {
      const [code, signal] = end as [number | null, NodeJS.Signals | null];
      return { code, signal };
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** The first line of either stream that matches; an error when it does not come in time or the process ends before. */
  async waitForLine(pattern: RegExp, options: { readonly within?: number } = {}): Promise<string> {
    const { within = 20_000 } = options;
    let ended = false;
    void this.exited.then(() => (ended = true));
    for (const until = performance.now() + within; ; await delay(20)) {
      const over = ended ? 'it ended' : performance.now() >= until ? `${within} ms were over` : undefined;
      const line = [...this.#stdout.split('\n'), ...this.#stderr.split('\n')].find((text) => pattern.test(text));
      if (line !== undefined) return line;
      if (over) throw new Error(`no line matched ${pattern} before ${over}. ${this.#said()}`);
    }
  }

  /** How it ended; an error with its output when it does not in time. */
  async ended(options: { readonly within?: number } = {}): Promise<ExitOf> {
    const { within = 30_000 } = options;
    try {
      return await inTime(this.exited, within, 'it did not end');
    } catch (error) {
      throw new Error(`process ${this.pid} did not end within ${within} ms. ${this.#said()}`, { cause: error });
    }
  }

  #said(): string {
    return `stdout:\n${this.#stdout}\nstderr:\n${this.#stderr}`;
  }
}

/**
 * The processes of one file, or of one test when made inside one. At its end whatever is still alive, children of
 * children too, is killed and fails it: a test ends what it starts.
 * @example
 * const processes = new Processes(); // at the top of the file
 * const worker = processes.lockkeeper(['worker', '--jobs', file], { env });
 * await worker.waitForLine(/ready/);
 */
export class Processes {
  readonly #mark = randomUUID();
  readonly #all: TestProcess[] = [];

  constructor() {
    atEnd(() => this.#end());
  }

  /** `lockkeeper …`, from the sources. */
  lockkeeper(args: readonly string[], options: SpawnOptions = {}): TestProcess {
    return this.node('src/cli/main.ts', args, options);
  }

  /** A script of this project, by its path from the project's folder. */
  node(script: string, args: readonly string[] = [], options: SpawnOptions = {}): TestProcess {
    return this.spawn([process.execPath, fileURLToPath(new URL(script, `file://${PROJECT}`)), ...args], options);
  }

  spawn(argv: readonly [string, ...string[]], options: SpawnOptions = {}): TestProcess {
    const [file, ...args] = argv;
    const child = spawn(file, args, {
      cwd: options.cwd ?? PROJECT,
      env: { ...process.env, ...options.env, [MARK]: this.#mark },
      stdio: ['pipe', 'pipe', 'pipe'],
      // Ctrl-C at the terminal is for the runner, which ends them.
      detached: true,
    });
    const started = new TestProcess(child);
    this.#all.push(started);
    return started;
  }

  /** Pids of everything started here that still runs, and (on Linux) of what that has started. */
  running(): number[] {
    const marked = `${MARK}=${this.#mark}`;
    const own = this.#all.filter((one) => one.running).map((one) => one.pid);
    const found = listProcesses().filter((one) => !one.zombie && environmentOf(one.pid)?.includes(marked));
    return [...new Set([...own, ...found.map((one) => one.pid)])];
  }

  async #end(): Promise<void> {
    const left = () => this.running();
    try {
      await eventually(
        () => {
          if (left().length > 0) throw new Error(`the test left processes running: ${left().join(', ')}`);
        },
        { within: END_WITHIN },
      );
    } finally {
      for (const pid of left()) killIfThere(pid);
      await Promise.all(this.#all.map((one) => one.ended({ within: END_WITHIN })));
    }
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
