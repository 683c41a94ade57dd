import { Command } from 'commander';
import { DeployClient } from '../../client/deploy-client.ts';
import { runDeploy } from '../../client/run-deploy.ts';
import type { RunDeployOptions } from '../../client/run-deploy.ts';
import { withTemporal } from '../connections.ts';
import { exits, withExample } from '../options.ts';
import type { JsonOptions } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import { environmentOf } from '../who.ts';
import { narrator } from './narrator.ts';
import { withRequestOptions } from './options.ts';
import { checkTakesPart, requestOf } from './request.ts';
import type { RequestOptions } from './request.ts';
import { printEnd } from './result.ts';

export interface DeployRunOptions extends RequestOptions, JsonOptions {
  /** Milliseconds. */
  readonly timeout?: number;
}

/** Asks for a deploy, waits its turn and the drain, runs the command under the lease, and waits for the end. */
export async function deployRun(command: readonly string[], options: DeployRunOptions): Promise<number> {
  const environment = await environmentOf(options);
  const [program, ...args] = command;
  await checkTakesPart(options, program === undefined ? 'nobody' : 'command');
  const request = requestOf(options, program === undefined ? undefined : { mode: 'lease' });
  const began = Date.now();
  return withTemporal(async ({ client }) => {
    const stop = stopOnSignals();
    const end = await runDeploy({
      deploys: new DeployClient(client, environment),
      request,
      ...(program !== undefined && { command: passedThrough([program, ...args]) }),
      ...(options.timeout !== undefined && { timeoutMs: options.timeout }),
      onEvent: narrator(),
      signal: stop.signal,
    });
    return printEnd({ id: options.id, environment }, end, began, options, stop.by());
  });
}

/** The command's own output, unchanged. */
const passedThrough = (argv: readonly [string, ...string[]]): NonNullable<RunDeployOptions['command']> => ({
  argv,
  stdout: (chunk) => void process.stdout.write(chunk),
  stderr: (chunk) => void process.stderr.write(chunk),
});

export function deployRunCommand(): Command {
  const command = withRequestOptions(new Command('run'))
    .description('request a deploy, wait for the drain, run a command as its external step, and wait for the end')
    .argument('[command...]', 'what the external step does, after --')
    .addHelpText(
      'after',
      '\nExit codes: 0 succeeded, 1 failed, 2 usage, 3 rolled back, 4 aborted, 5 rejected, 6 lease lost,\n7 timed out, 8 no answer, 130 and 143 stopped by SIGINT and SIGTERM.',
    )
    .action(exits(deployRun));
  return withExample(
    command,
    'lockkeeper deploy run --id "v42-$CI_RUN" --version v42 --environment production -- ./deploy.sh v42',
  );
}
