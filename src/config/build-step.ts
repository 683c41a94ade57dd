import { resolve } from 'node:path';
import { LEASE, LEASE_CLAIM_WITHIN, STEP_TIMEOUT } from '../defaults.ts';
import type { CommandSpec, PlanStep } from '../protocol.ts';
import { LEDGER_DATABASE } from './config.ts';
import type { StepConfig } from './schema/steps.ts';

/** The only step of a plan that nobody wrote. */
export const EXTERNAL_STEP: PlanStep = {
  type: 'external',
  name: 'external',
  timeoutMs: STEP_TIMEOUT,
  leaseMs: LEASE,
  claimWithinMs: LEASE_CLAIM_WITHIN,
};

/** A step with its defaults and absolute paths. A rollback runs where its step runs, with the same variables. */
export function buildStep(step: StepConfig, directory: string): PlanStep {
  if (step.type === 'wait') return { type: 'wait', name: step.name ?? step.type, timeoutMs: step.wait };
  const commands = commandsIn(step, directory);
  const common = {
    name: step.name ?? step.type,
    timeoutMs: step.timeout ?? STEP_TIMEOUT,
    ...(step.rollback && { rollback: commands(step.rollback) }),
  };
  switch (step.type) {
    case 'migrate':
      return {
        ...common,
        type: 'migrate',
        directory: resolve(directory, step.migrate),
        database: step.database ?? LEDGER_DATABASE.name,
      };
    case 'command':
      return { ...common, type: 'command', command: commands(step.command), idempotent: step.idempotent ?? false };
    case 'external':
      return {
        ...common,
        type: 'external',
        leaseMs: step.lease ?? LEASE,
        claimWithinMs: step.claimWithin ?? LEASE_CLAIM_WITHIN,
      };
  }
}

function commandsIn(
  step: Exclude<StepConfig, { type: 'wait' }>,
  directory: string,
): (argv: CommandSpec['argv']) => CommandSpec {
  const { cwd = '.', env } = step.type === 'command' ? step : {};
  return ([program, ...words]) => ({
    argv: [fromDirectory(program, directory), ...words],
    cwd: resolve(directory, cwd),
    ...(env && { env }),
  });
}

/** A program named by `./` or `../` is found beside the config, whatever directory it runs in; other names as the system does. */
function fromDirectory(program: string, directory: string): string {
  return /^\.\.?\//.test(program) ? resolve(directory, program) : program;
}
