import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { environmentOf, listProcesses } from '../../src/commands/process-table.ts';
import {
  runGuarded,
  type CommandEnd,
  type GuardedCommand,
  type GuardedProcess,
} from '../../src/commands/run-command.ts';
import type { Held } from './holder.ts';

const MARK = 'LOCKKEEPER_TEST_BENCH';

/** A folder for one test and everything that runs in it; `close` fails the test if something still does. Linux only. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'lockkeeper-test-'));
  readonly env = { [MARK]: randomUUID(), BENCH: this.folder };
  readonly records: GuardedProcess[] = [];
  /** Processes of the test that do not carry its environment. */
  readonly strays: number[] = [];
  readonly #children: ChildProcess[] = [];

  path(name: string): string {
    return join(this.folder, name);
  }

  /** A shell script that finds its folder in $BENCH, as argv. */
  script(text: string): [string, ...string[]] {
    const file = this.path(`script-${randomUUID()}.sh`);
    writeFileSync(file, text);
    return ['bash', file];
  }

  run(text: string, options: Partial<GuardedCommand> = {}): Promise<CommandEnd> {
    return runGuarded({
      argv: this.script(text),
      killAfterMs: 5_000,
      ...options,
      env: { ...this.env, ...options.env },
      onStarted: async (record) => {
        this.records.push(record);
        await options.onStarted?.(record);
      },
    });
  }

  /** The same in a process of its own, which the test may kill. Resolves when the script has made the file `running`. */
  async hold(
    text: string,
    killAfterMs: number,
    silentForMs?: number,
  ): Promise<{ holder: ChildProcess; record: GuardedProcess }> {
    const held: Held = {
      argv: this.script(text),
      env: this.env,
      killAfterMs,
      ...(silentForMs !== undefined && { silentForMs }),
      recordIn: this.path('record'),
    };
    const script = fileURLToPath(new URL('holder.ts', import.meta.url));
    const holder = this.spawn(process.execPath, ['--no-warnings', script, JSON.stringify(held)], true);
    await this.made('running');
    const record = JSON.parse(readFileSync(held.recordIn, 'utf8')) as GuardedProcess;
    this.records.push(record);
    return { holder, record };
  }

  /** An unguarded process beside, which `close` ends. */
  spawn(program: string, args: string[], detached = false): ChildProcess {
    const child = spawn(program, args, {
      env: { ...process.env, ...this.env },
      stdio: ['ignore', 'ignore', 'inherit'],
      detached,
    });
    this.#children.push(child);
    return child;
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  size(name: string): number {
    return statSync(this.path(name), { throwIfNoEntry: false })?.size ?? 0;
  }

  async made(name: string): Promise<string> {
    await eventually(() => this.has(name), `the file ${name}`);
    return readFileSync(this.path(name), 'utf8').trim();
  }

  /** Pids of everything that carries this bench's environment and is not a child of the test itself. */
  running(): number[] {
    const own = this.#children.map((child) => child.pid);
    const mark = `${MARK}=${this.env[MARK]}`;
    return listProcesses()
      .filter((one) => !one.zombie && !own.includes(one.pid) && environmentOf(one.pid)?.includes(mark))
      .map((one) => one.pid);
  }

  /** Ends what the test was given, then throws if anything was left; what was left is ended too. */
  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    const guards = this.records.map((record) => record.guardPid);
    const left = () => [...this.running(), ...[...guards, ...this.strays].filter(isAlive)];
    try {
      await eventually(
        () => left().length === 0,
        () => `the end of ${left().join(', ')}, which the test leaked`,
      );
    } finally {
      for (const pid of left()) process.kill(pid, 'SIGKILL');
      rmSync(this.folder, { recursive: true });
    }
  }
}

export function isAlive(pid: number): boolean {
  return listProcesses().some((one) => one.pid === pid && !one.zombie);
}

export async function eventually(is: () => boolean, what: string | (() => string), withinMs = 10_000): Promise<void> {
  for (const until = performance.now() + withinMs; !is(); await delay(20)) {
    if (performance.now() > until)
      throw new Error(`waited ${withinMs} ms in vain for ${typeof what === 'string' ? what : what()}`);
  }
}
