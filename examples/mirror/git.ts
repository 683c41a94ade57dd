import { execa } from 'execa';

export interface GitOptions {
  /** The repository; the current directory unless given. */
  readonly in?: string;
  readonly input?: string | Buffer;
  /** Git is ended when it fires, and what was asked of it is rejected. */
  readonly cancelSignal?: AbortSignal;
}

/** Nobody's own configuration, no questions, English; and no tidying up behind our back. */
const ENVIRONMENT = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
const SETTINGS = ['-c', 'gc.auto=0', '-c', 'maintenance.auto=false'];

/** Runs git, and resolves with what it wrote; throws when it fails or there is none. */
export async function git(args: readonly string[], options: GitOptions = {}): Promise<string> {
  const { in: repository, input, cancelSignal } = options;
  const { stdout } = await execa('git', [...(repository ? ['-C', repository] : []), ...SETTINGS, ...args], {
    env: ENVIRONMENT,
    ...(input !== undefined && { input }),
    ...(cancelSignal && { cancelSignal }),
  });
  return stdout;
}

/** Every ref of a repository and what it points at, a line each; the same for a repository and its mirror. */
export const refsOf = (repository: string): Promise<string> =>
  git(['for-each-ref', '--format=%(refname) %(objectname)'], { in: repository });

/** Undefined: there is none on this machine. */
export async function gitVersion(): Promise<string | undefined> {
  const { failed, stdout } = await execa('git', ['--version'], { reject: false });
  return failed ? undefined : stdout;
}
