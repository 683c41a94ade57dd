import { constants } from 'node:os';
import type { DeployEnd } from '../client/run-deploy.ts';
import { isLockkeeperError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { Outcome } from '../protocol.ts';

/** What the exit code of every command means. Scripts branch on these numbers: none of them ever changes its meaning. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  rolledBack: 3,
  aborted: 4,
  rejected: 5,
  leaseLost: 6,
  timedOut: 7,
  noAnswer: 8,
} as const;

export const EXIT_MEANINGS: Record<keyof typeof EXIT, string> = {
  ok: 'The command did what it was asked; the deploy succeeded; the job is done',
  failed: 'The deploy or job failed, or something broke that no other number names',
  usage: 'Wrong options, or a config, server or database that cannot be used as it is',
  rolledBack: 'The deploy failed and was rolled back',
  aborted: 'A person ended the deploy, or the job was cancelled',
  rejected: 'The request was refused; nothing was started',
  leaseLost: 'The lease of the deploy was lost; the command was ended',
  timedOut: 'Not ended within `--timeout`; it goes on without us',
  noAnswer: 'Temporal, the ledger or the deploy worker does not answer',
};

/** Exit codes of errors; those not named here mean {@link EXIT.failed}. */
const OF_ERROR: Partial<Record<ErrorCode, number>> = {
  USAGE: EXIT.usage,
  CONFIG_INVALID: EXIT.usage,
  DEFINITION_INVALID: EXIT.usage,
  SETTING_BREAKS_LAW: EXIT.usage,
  JOB_UNKNOWN: EXIT.usage,
  JOB_INPUT_INVALID: EXIT.usage,
  PORT_TAKEN: EXIT.usage,
  QUEUE_OF_ANOTHER_ENVIRONMENT: EXIT.usage,
  LEDGER_WRONG_CLUSTER: EXIT.usage,
  LEDGER_SCHEMA: EXIT.usage,
  LEDGER_POOLED: EXIT.usage,
  LEDGER_DENIED: EXIT.usage,
  LEDGER_DATABASE_MISSING: EXIT.usage,
  POSTGRES_TOO_OLD: EXIT.usage,
  TEMPORAL_TOO_OLD: EXIT.usage,
  JOB_EXISTS: EXIT.rejected,
  TEMPORAL_CONFIG_INVALID: EXIT.usage,
  TEMPORAL_TLS: EXIT.usage,
  TEMPORAL_DENIED: EXIT.usage,
  TEMPORAL_NAMESPACE_MISSING: EXIT.usage,
  DEPLOY_CONFLICT: EXIT.rejected,
  DEPLOY_INVALID: EXIT.rejected,
  DEPLOY_NOT_CURRENT: EXIT.rejected,
  LEASE_TAKEN: EXIT.rejected,
  LEASE_LOST: EXIT.leaseLost,
  TIMED_OUT: EXIT.timedOut,
  TEMPORAL_UNREACHABLE: EXIT.noAnswer,
  LEDGER_UNREACHABLE: EXIT.noAnswer,
  NO_DEPLOY_WORKER: EXIT.noAnswer,
};

const OF_OUTCOME: Record<Outcome, number> = {
  succeeded: EXIT.ok,
  failed: EXIT.failed,
  rolledBack: EXIT.rolledBack,
  aborted: EXIT.aborted,
};

export const exitCodeOfError = (error: unknown): number =>
  (isLockkeeperError(error) && OF_ERROR[error.code]) || EXIT.failed;

export const exitCodeOfOutcome = (outcome: Outcome): number => OF_OUTCOME[outcome];

/** 130 for SIGINT, 143 for SIGTERM, as shells report them. */
export const exitCodeOfSignal = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

/** `stoppedBy`: the signal that interrupted the wait. */
export function exitCodeOfDeploy(end: DeployEnd, stoppedBy: NodeJS.Signals = 'SIGINT'): number {
  switch (end.kind) {
    case 'ended':
      return exitCodeOfOutcome(end.outcome);
    case 'leaseLost':
      return EXIT.leaseLost;
    case 'timedOut':
      return EXIT.timedOut;
    case 'interrupted':
      return exitCodeOfSignal(stoppedBy);
  }
}
