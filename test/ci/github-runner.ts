import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { atEnd } from '../support/at-end.ts';
import type { Processes, TestProcess } from '../support/processes.ts';

export const ACTION_TEXT = readFileSync(fileURLToPath(new URL('../../action.yml', import.meta.url)), 'utf8');

interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly run: string;
}
export const ACTION = parse(ACTION_TEXT) as {
  readonly inputs: Readonly<Record<string, { readonly default: string }>>;
  readonly runs: { readonly steps: readonly [Step, Step] };
};

/** What a runner knows of the run. */
const GITHUB = {
  run_id: '77',
  run_attempt: '1',
  sha: 'c0ffee',
} as const;
export const RUNNER_ENV = {
  GITHUB_ACTOR: 'octocat',
  GITHUB_RUN_ID: GITHUB.run_id,
  GITHUB_SERVER_URL: 'https://github.example',
  GITHUB_REPOSITORY: 'acme/app',
};

/** Runs the steps of the action with bash, as a runner of GitHub would: each a script of its own, with its files for outputs. */
export class GithubRunner {
  readonly #processes: Processes;
  readonly #cwd: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #files = mkdtempSync(join(tmpdir(), 'lockkeeper-github-'));
  readonly #outputs: Record<string, string> = {};

  constructor(processes: Processes, cwd: string, env: Readonly<Record<string, string>>) {
    this.#processes = processes;
    this.#cwd = cwd;
    this.#env = env;
    atEnd(() => rmSync(this.#files, { recursive: true }));
    for (const name of ['output', 'summary']) writeFileSync(join(this.#files, name), '');
  }

  start(step: Step, inputs: Readonly<Record<string, string>>): TestProcess {
    const script = join(this.#files, 'script.sh');
    writeFileSync(script, step.run);
    const env = Object.fromEntries(Object.entries(step.env).map(([name, text]) => [name, expand(text, inputs)]));
    return this.#processes.spawn(['bash', '--noprofile', '--norc', '-e', '-o', 'pipefail', script], {
      cwd: this.#cwd,
      env: {
        ...RUNNER_ENV,
        ...this.#env,
        ...env,
        GITHUB_OUTPUT: join(this.#files, 'output'),
        GITHUB_STEP_SUMMARY: join(this.#files, 'summary'),
      },
    });
  }

  /** What the first step has said of itself, as the runner reads it when the step is over. */
  get outputs(): Readonly<Record<string, string>> {
    for (const line of readFileSync(join(this.#files, 'output'), 'utf8').split('\n').filter(Boolean))
      this.#outputs[line.slice(0, line.indexOf('='))] = line.slice(line.indexOf('=') + 1);
    return this.#outputs;
  }

  get summary(): string {
    return readFileSync(join(this.#files, 'summary'), 'utf8');
  }

  /** Whether the second step is run after the first; the one form of condition that the action has. */
  runsSecond(): boolean {
    const [, second] = ACTION.runs.steps;
    if (second.if !== "${{ always() && steps.deploy.outputs.exit-code == '' }}")
      throw new Error(`no runner here understands ${second.if}`);
    return (this.outputs['exit-code'] ?? '') === '';
  }
}

/** Expressions of inputs and of the run; any other is an error. */
function expand(text: string, inputs: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{\{ (inputs|github)\.([\w-]+) \}\}/g, (_, context: string, name: string) => {
    if (context === 'github') return GITHUB[name as keyof typeof GITHUB];
    const input = ACTION.inputs[name];
    if (!input) throw new Error(`the action has no input ${name}`);
    return inputs[name] ?? expand(input.default, inputs);
  });
}
