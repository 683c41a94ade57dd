import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { eventually, inTime } from '../../test/support/eventually.ts';

const PTY = fileURLToPath(new URL('../../test/support/in_terminal.py', import.meta.url));
/** A brisk typist, milliseconds from key to key. */
const KEY_EVERY = 45;
/** Nothing in a recording takes this long, milliseconds. */
const WITHIN = 90_000;
/** What no terminal shows: in front of each prompt the exit code of the command before. */
const PROMPT = String.raw`\[\e]7777;$?\a\]\[\e[32m\]\w\[\e[0m\] $ `;
const PROMPTS = /\x1b\]7777;(\d+)\x07/g;

/** Something that appeared on a terminal. */
export interface Shown {
  /** Milliseconds of `performance.now()`. */
  readonly at: number;
  readonly bytes: Buffer;
}

export interface TerminalOptions {
  readonly columns: number;
  readonly rows: number;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** An empty line in front of each prompt. */
  readonly spaced?: boolean;
}

/** A shell in a pseudo terminal, typed into key by key; what appears is kept with its time. */
export class RecordedTerminal {
  readonly columns: number;
  readonly rows: number;
  readonly shown: Shown[] = [];
  readonly #shell: ChildProcess;

  constructor({ columns, rows, cwd, env, spaced = false }: TerminalOptions) {
    this.columns = columns;
    this.rows = rows;
    this.#shell = spawn('python3', [PTY, `${columns}x${rows}`, 'bash', '--noprofile', '--norc', '-i'], {
      cwd,
      // An interactive shell sets PS1 by itself.
      env: {
        ...env,
        PROMPT: spaced ? `\\n${PROMPT}` : PROMPT,
        PROMPT_COMMAND: 'PS1=$PROMPT',
        TERM: 'xterm-256color',
        HISTFILE: '/dev/null',
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#shell.stdout!.on('data', (bytes: Buffer) => this.shown.push({ at: performance.now(), bytes }));
  }

  /** Everything so far, escape codes included. */
  get written(): string {
    return Buffer.concat(this.shown.map(({ bytes }) => bytes)).toString();
  }

  /** Types a command and Enter, and does not wait for its end. */
  async type(command: string): Promise<void> {
    await this.#prompted(this.#codes().length || 1);
    for (const key of command) {
      this.#shell.stdin!.write(key);
      await delay(KEY_EVERY);
    }
    await delay(5 * KEY_EVERY);
    this.#shell.stdin!.write('\r');
  }

  /**
   * Types a command and waits for its end.
   * @throws Error when it ends with another exit code: a recording shows nothing that is not so
   */
  async run(command: string, code = 0): Promise<void> {
    const before = Math.max(1, this.#codes().length);
    await this.type(command);
    await this.#ended(before, command, code);
  }

  /** Types a command that goes on; the function that is returned waits for its end, as `run` does. */
  async begin(command: string, code = 0): Promise<() => Promise<void>> {
    const before = Math.max(1, this.#codes().length);
    await this.type(command);
    return () => this.#ended(before, command, code);
  }

  async waitFor(pattern: RegExp): Promise<void> {
    await eventually(
      () => {
        if (!pattern.test(this.written)) throw new Error(`no ${pattern} in:\n${this.written}`);
      },
      { within: WITHIN, every: 20 },
    );
  }

  async close(): Promise<void> {
    if (this.#shell.exitCode !== null) return;
    const exited = once(this.#shell, 'exit');
    this.#shell.stdin!.write('\x03\rexit\r');
    await inTime(exited, WITHIN, 'the shell has not ended');
  }

  async #ended(before: number, command: string, expected: number): Promise<void> {
    const code = await this.#prompted(before + 1);
    if (code !== expected)
      throw new Error(`\`${command}\` ended with ${code}, not with ${expected}:\n${this.written.slice(-4_000)}`);
  }

  #codes(): number[] {
    return [...this.written.matchAll(PROMPTS)].map(([, code]) => Number(code));
  }

  /** The exit code in front of the n-th prompt, once it is there. */
  #prompted(n: number): Promise<number> {
    return eventually(
      () => {
        const code = this.#codes()[n - 1];
        if (code === undefined) throw new Error(`there is no prompt ${n}:\n${this.written.slice(-4_000)}`);
        return code;
      },
      { within: WITHIN, every: 20 },
    );
  }
}
