import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure, CancelledFailure, CompleteAsyncError, Context } from '@temporalio/activity';
import { COMMAND_KILL_AFTER, COMMAND_SILENT_FOR } from '../defaults.ts';
import { LineSplitter, OutputTail } from '../commands/output.ts';
import { endGuarded } from '../commands/end-guarded.ts';
import type { GuardedProcess } from '../commands/guarded-process.ts';
import { runGuarded } from '../commands/run-command.ts';
import type { CommandEnd } from '../commands/run-command.ts';
import { errorMessage } from '../errors.ts';
import { failpoint } from '../failpoints.ts';
import { clearGuard, readGuard, recordGuard } from '../ledger/deploy-steps.ts';
import { readLease, writeLease } from '../ledger/leases.ts';
import { isConnectionError } from '../ledger/sql-errors.ts';
import type { DeployActivities, DeployRef, StepOutcome } from '../protocol.ts';
import type { DeployDependencies } from './deploy-dependencies.ts';
import { refusing } from './refusing.ts';
import { runMigrations } from './migrations.ts';

type CommandInput = Parameters<DeployActivities['runCommand']>[0];
type StepActivities = Pick<DeployActivities, 'holdLease' | 'readLease' | 'runCommand' | 'endStep' | 'runMigrations'>;

/** How long one attempt looks for a lease, and how often, milliseconds. */
const LEASE_WRITTEN_WITHIN = 4_000;
const LOOK_EVERY = 25;
/** How long a step waits for a ledger that was away at the wrong moment, milliseconds. */
const LEDGER_BACK_WITHIN = 10_000;
/** KiB of a command’s last output that go into an error. */
const TAIL = 2;

/** The work of the step types. */
export function createStepActivities(deps: DeployDependencies): StepActivities {
  const { ledger } = deps;

  return {
    async holdLease({ n, attempt, nonce, ...ref }) {
      const { taskToken } = Context.current().info;
      await unlessLost(() => writeLease(ledger, ref, { n, attempt, nonce, taskToken }));
      throw new CompleteAsyncError();
    },

    async readLease({ n, attempt, nonce, ...ref }) {
      // The step's activity writes the lease down at the same moment; looked for here, so that waiting is no failure.
      const until = Date.now() + LEASE_WRITTEN_WITHIN;
      for (;;) {
        const token = await readLease(ledger, ref, { n, attempt, nonce });
        if (token) return token.toString('base64');
        if (Date.now() >= until) throw ApplicationFailure.retryable('the lease is not written down yet', 'LEASE_LOST');
        await delay(LOOK_EVERY);
      }
    },

    async runCommand(input) {
      const tail = new OutputTail(TAIL);
      const lines = (stream: 'stdout' | 'stderr') =>
        new LineSplitter((text) => deps.output({ deploy: input.deploy, step: input.name, stream, text }));
      const streams = { stdout: lines('stdout'), stderr: lines('stderr') };
      const sink = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
        tail.push(chunk);
        streams[stream].push(chunk);
      };
      const signal = AbortSignal.any([Context.current().cancellationSignal, deps.stopping]);
      await unlessLost(() => endCommand(deps, input));
      try {
        const end = await runGuarded({
          argv: input.command.argv,
          ...(input.command.cwd !== undefined && { cwd: input.command.cwd }),
          env: { ...input.command.env, ...parameterVariables(input.deploy, input.parameters) },
          stdout: sink('stdout'),
          stderr: sink('stderr'),
          killAfterMs: COMMAND_KILL_AFTER,
          silentForMs: COMMAND_SILENT_FOR,
          onStarted: (guard) => refusing(() => unlessLost(() => recordGuard(ledger, input, input.n, guard))),
          signal,
        });
        await failpoint('command.ended');
        // It ended by itself: what it left running on purpose is not to be ended later. What it did is not forgotten because
        // the ledger is away; that is waited for as long as the step may take.
        await unlessLost(
          () => clearGuard(ledger, input, input.n),
          () => !signal.aborted,
        );
        return commandOutcome(end, tail.text());
      } catch (error) {
        if (deps.stopping.aborted) return stoppedInTheMiddle(input);
        if (Context.current().cancellationSignal.aborted) throw new CancelledFailure('the command was ended');
        return { kind: 'failed', reason: errorMessage(error) };
      } finally {
        streams.stdout.end();
        streams.stderr.end();
      }
    },

    endStep: (input) => endCommand(deps, input),

    runMigrations: (input) => runMigrations(deps, input),
  };
}

/** What is left of a step's last command, of a deploy worker that is gone or frozen, is ended and proven gone. */
async function endCommand(deps: DeployDependencies, input: DeployRef & { n: number }): Promise<void> {
  const guard = await readGuard(deps.ledger, input, input.n);
  if (!guard) return;
  const what = await endGuarded(guard as GuardedProcess, COMMAND_KILL_AFTER);
  if (what === 'other-host')
    deps.log.warn(
      { deploy: input.deploy, step: input.n, guard },
      'an earlier attempt ran on another host, which cannot be looked at from here',
    );
}

function stoppedInTheMiddle({ idempotent, command }: CommandInput): StepOutcome {
  const reason = `the deploy worker stopped, and with it the command ${command.argv[0]}`;
  // Another deploy worker, or this one restarted, runs it again.
  if (idempotent) throw ApplicationFailure.retryable(reason, 'STEP_FAILED');
  return { kind: 'inDoubt', reason };
}

/** This activity is tried once: a lost connection is waited out here. */
async function unlessLost(act: () => Promise<void>, patient = forAWhile()): Promise<void> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!isConnectionError(error) || !patient()) throw error;
      await delay(LOOK_EVERY);
    }
  }
}

function forAWhile(): () => boolean {
  const until = performance.now() + LEDGER_BACK_WITHIN;
  return () => performance.now() < until;
}

/** What a command learns of its deploy: environment variables, never its command line. */
function parameterVariables(deploy: string, parameters: Readonly<Record<string, string>>): Record<string, string> {
  const variables = Object.entries(parameters).map(([name, value]) => [
    `LOCKKEEPER_PARAMETER_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`,
    value,
  ]);
  return { ...(Object.fromEntries(variables) as Record<string, string>), LOCKKEEPER_DEPLOY: deploy };
}

function commandOutcome(end: CommandEnd, tail: string): StepOutcome {
  if (end.code === 0)
    return { kind: 'done', ...(end.leftovers > 0 && { note: `${end.leftovers} processes it left behind were ended` }) };
  const how = end.signal ? `was ended by ${end.signal}` : `exited with ${end.code}`;
  return { kind: 'failed', reason: tail.trim() ? `the command ${how}: ${tail.trim()}` : `the command ${how}` };
}
