import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';

/** What a stranger's shell knows: nothing of this project, of the npm that runs the tests, or of a server. */
function strangersEnv(): NodeJS.ProcessEnv {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const foreign =
    /^(npm_(?!config_(registry|cache|userconfig)$)|VITEST|TEST$|NODE_ENV$|TEMPORAL_|DATABASE_URL$|LOCKKEEPER_)/;
  return {
    ...Object.fromEntries(
      Object.keys(process.env)
        .filter((name) => foreign.test(name))
        .map((name) => [name, undefined]),
    ),
    PATH: [dirname(process.execPath), ...path].join(delimiter),
  };
}

/** A project in a temporary folder, on a machine where nobody has heard of this repository; one for a test file. */
export class Stranger {
  readonly folder = mkdtempSync(join(tmpdir(), 'lockkeeper-stranger-'));
  readonly #processes: Processes;

  constructor(files: Readonly<Record<string, string>>) {
    afterAll(() => rmSync(this.folder, { recursive: true }));
    // Asked for last and so done first: nothing may run in a folder that goes away.
    this.#processes = new Processes();
    // As root, Postgres runs as somebody else, who must be able to enter it.
    chmodSync(this.folder, 0o755);
    this.write(files);
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text);
  }

  /** A line typed into a shell of this project. */
  types(line: string): TestProcess {
    return this.#processes.spawn(['sh', '-c', line], { cwd: this.folder, env: strangersEnv() });
  }

  /** The same, to its end; its standard output. */
  async does(line: string): Promise<string> {
    const shell = this.types(line);
    const { code } = await shell.ended({ within: 240_000 });
    expect({ line, code, said: code === 0 ? '' : shell.stdout + shell.stderr }).toEqual({ line, code: 0, said: '' });
    return shell.stdout;
  }
}

/** Ctrl-C in the terminal where the line was typed: the whole group hears it. */
export async function interrupt(shell: TestProcess): Promise<void> {
  process.kill(-shell.pid, 'SIGINT');
  await shell.ended();
}
