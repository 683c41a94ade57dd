import { expect } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { Processes, TestProcess } from '../support/processes.ts';
import type { Block } from './pages.ts';

/** How long a command, or what it is to print, may take, milliseconds. */
const WITHIN = 120_000;

/**
 * The terminals of a reader who types the blocks of a page one after another. `sh name` is typed into the terminal of that
 * name and goes on running there; what ran there before gets Ctrl-C. `sh` alone is waited for, and must succeed. A block of
 * `text` is what is seen then, where `…` stands for anything: of `text name` in that terminal, else of the command before.
 */
export class Terminals {
  readonly #processes: Processes;
  readonly #options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv };
  readonly #byName = new Map<string, TestProcess>();
  #last: TestProcess | undefined;

  constructor(processes: Processes, options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }) {
    this.#processes = processes;
    this.#options = options;
  }

  async follow(block: Block): Promise<void> {
    if (block.lang === 'sh') await this.#type(block);
    else if (block.lang === 'text') await this.#see(block);
  }

  async #type({ at, name, text }: Block): Promise<void> {
    const before = name === undefined ? undefined : this.#byName.get(name);
    if (before) await this.interrupt(before);
    const typed = this.#processes.spawn(['bash', '-ec', text], this.#options);
    this.#last = typed;
    if (name !== undefined) return void this.#byName.set(name, typed);
    const { code } = await typed.ended({ within: WITHIN });
    expect(code, `${at} failed:\n${typed.stdout}\n${typed.stderr}`).toBe(0);
  }

  async #see({ at, name, text }: Block): Promise<void> {
    const seen = name === undefined ? this.#last : this.#byName.get(name);
    if (!seen) throw new Error(`${at}: there is no terminal ${name}`);
    const lines = text.split('\n').filter((line) => line !== '');
    await eventually(
      () => expect(inOrder(lines, said(seen)), `${at}: what was said is\n${said(seen).join('\n')}`).toEqual([]),
      {
        within: WITHIN,
        every: 200,
      },
    );
  }

  /** As a terminal does it: every process that was started in it hears it. */
  async interrupt(typed: TestProcess): Promise<void> {
    if (typed.running) process.kill(-typed.pid, 'SIGINT');
    await typed.ended();
  }

  async end(): Promise<void> {
    for (const typed of [...this.#byName.values()].reverse()) await this.interrupt(typed);
  }

  get(name: string): TestProcess {
    return this.#byName.get(name)!;
  }
}

const escaped = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

const said = ({ stdout, stderr }: TestProcess) => [...stderr.split('\n'), ...stdout.split('\n')];

/** The lines that were not found, from the first such on. */
function inOrder(wanted: readonly string[], found: readonly string[]): string[] {
  let from = 0;
  for (const [i, line] of wanted.entries()) {
    const pattern = new RegExp(`^${line.trim().split('…').map(escaped).join('.*')}$`);
    const at = found.findIndex((candidate, n) => n >= from && pattern.test(candidate.trim()));
    if (at < 0) return wanted.slice(i);
    from = at + 1;
  }
  return [];
}
