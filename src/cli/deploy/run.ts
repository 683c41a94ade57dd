import { Command } from 'commander';
import { DeployClient } from '../../client/deploy-client.ts';
import { runDeploy } from '../../client/run-deploy.ts';
import type { RunDeployOptions } from '../../client/run-deploy.ts';
import { withTemporal } from '../connections.ts';
import { exits, withExample } from '../options.ts';
import type { JsonOptions } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import { passThrough } from '../terminal.ts';
import { environmentOf } from '../who.ts';
import { narratingWithLedger } from './narrator.ts';
import { withRequestOptions } from './options.ts';
import { checkTakesPart, requestOf } from './request.ts';
import type { RequestOptions } from './request.ts';
import { printEnd } from './result.ts';
import { summaryOption, writeSummary } from './summary.ts';

export interface DeployRunOptions extends RequestOptions, JsonOptions {
  /** Milliseconds. */
  readonly timeout?: number;
  readonly summary?: string;
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
    const end = await narratingWithLedger((onEvent) =>
      runDeploy({
        deploys: new DeployClient(client, environment),
        request,
        ...(program !== undefined && { command: passedThrough([program, ...args]) }),
        ...(options.timeout !== undefined && { timeoutMs: options.timeout }),
        onEvent,
        signal: stop.signal,
      }),
    );
    const ended = { id: options.id, environment, end, ms: Date.now() - began, stoppedBy: stop.by() };
    await writeSummary(options.summary, ended);
    return printEnd(ended, options);
  });
}

/** The command's own output, unchanged. */
const passedThrough = (argv: readonly [string, ...string[]]): NonNullable<RunDeployOptions['command']> => ({
  argv,
  stdout: (chunk) => passThrough(process.stdout, chunk),
  stderr: (chunk) => passThrough(process.stderr, chunk),
});

export function deployRunCommand(): Command {
  const command = withRequestOptions(new Command('run'))
    .description('request a deploy, wait for the drain, run a command as its external step, and wait for the end')
    .argument('[command...]', 'what the external step does, after --')
    .addOption(summaryOption())
    .action(exits(deployRun));
  return withExample(
    command,
    'lockkeeper deploy run --id "v42-$CI_RUN" --version v42 --environment production -- ./deploy.sh v42',
  );
}
