import { fileURLToPath } from 'node:url';
import xterm from '@xterm/headless';
import { eventually } from './eventually.ts';
import type { Processes, SpawnOptions, TestProcess } from './processes.ts';

const PTY = fileURLToPath(new URL('pty.py', import.meta.url));

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What a person sees. */
export interface Seen {
  /** The lines of the screen, without trailing blanks. */
  readonly lines: readonly string[];
  /** Everything that can be scrolled back to, and the screen. */
  readonly all: readonly string[];
  /** Whether the program has the whole screen for itself. */
  readonly fullScreen: boolean;
  readonly cursorHidden: boolean;
}

/**
 * A command in a pseudo terminal of its own.
 * @example
 * const terminal = new TestTerminal(processes, ['lockkeeper', 'board', '--watch'], { columns: 80, rows: 24 });
 * await terminal.waitFor(/environment/);
 * terminal.type(CTRL_C);
 */
export class TestTerminal {
  readonly process: TestProcess;
  #size: Size;

  constructor(processes: Processes, argv: readonly string[], size: Size, options: SpawnOptions = {}) {
    this.#size = size;
    // Whoever runs the tests may run them in CI; the person at this terminal does not.
    const env = { TERM: 'xterm-256color', CI: '', NO_COLOR: '', FORCE_COLOR: '', ...options.env };
    this.process = processes.spawn(['python3', PTY, `${size.columns}x${size.rows}`, ...argv], { ...options, env });
  }

  type(text: string): void {
    this.process.write(text);
  }

  /** To the size of PTY_RESIZE in its environment. */
  resize(size: Size): void {
    this.#size = size;
    this.process.kill('SIGUSR1');
  }

  /** Everything that was written to the terminal, escape codes included. */
  get written(): string {
    return this.process.stdout;
  }

  async see(): Promise<Seen> {
    const { written } = this;
    const terminal = new xterm.Terminal({
      cols: this.#size.columns,
      rows: this.#size.rows,
      scrollback: 10_000,
      allowProposedApi: true,
    });
    await new Promise<void>((resolve) => terminal.write(written, resolve));
    const buffer = terminal.buffer.active;
    const all = Array.from({ length: buffer.length }, (_, y) => buffer.getLine(y)?.translateToString(true) ?? '');
    terminal.dispose();
    return {
      all,
      lines: all.slice(buffer.baseY, buffer.baseY + this.#size.rows),
      fullScreen: buffer.type === 'alternate',
      cursorHidden: written.lastIndexOf('\x1b[?25l') > written.lastIndexOf('\x1b[?25h'),
    };
  }

  /** Waits until what is seen matches. */
  async waitFor(pattern: RegExp, options: { readonly within?: number } = {}): Promise<Seen> {
    return eventually(
      async () => {
        const seen = await this.see();
        if (pattern.test(seen.all.join('\n'))) return seen;
        throw new Error(`the terminal does not show ${pattern}, but:\n${seen.all.join('\n').trimEnd()}`);
      },
      { within: options.within ?? 20_000, every: 50 },
    );
  }
}

export const CTRL_C = '\x03';
