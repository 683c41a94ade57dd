import { constants } from 'node:os';
import type { DeployEnd } from '../client/run-deploy.ts';
import { ERROR_CODES, isLockkeeperError } from '../errors.ts';
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

export interface ExitCodeMeaning {
  readonly codes: readonly number[];
  readonly meaning: string;
}

/** The table of `lockkeeper help exit-codes`, the README and the docs. */
export const EXIT_CODES: readonly ExitCodeMeaning[] = [
  { codes: [EXIT.ok], meaning: 'the command did what it was asked; the deploy succeeded; the job is done' },
  { codes: [EXIT.failed], meaning: 'the deploy or job failed, or something broke that no other number names' },
  { codes: [EXIT.usage], meaning: 'wrong options, or a config, server or database that cannot be used as it is' },
  { codes: [EXIT.rolledBack], meaning: 'the deploy failed and was rolled back' },
  { codes: [EXIT.aborted], meaning: 'a person ended the deploy, or the job was cancelled' },
  { codes: [EXIT.rejected], meaning: 'refused, and nothing was started: conflict, unknown plan, lease taken' },
  { codes: [EXIT.leaseLost], meaning: 'the lease of the deploy was lost; the command was ended' },
  {
    codes: [EXIT.timedOut],
    meaning: 'not ended within `--timeout`; what had not begun was withdrawn, what had goes on without us',
  },
  { codes: [EXIT.noAnswer], meaning: 'Temporal, the ledger or the deploy worker does not answer' },
  { codes: [128 + constants.signals.SIGINT, 128 + constants.signals.SIGTERM], meaning: 'SIGINT, SIGTERM' },
];

/** Exit codes of errors; those not named here mean {@link EXIT.failed}. */
const OF_ERROR: Partial<Record<ErrorCode, number>> = {
  USAGE: EXIT.usage,
  CONFIG_INVALID: EXIT.usage,
  DEFINITION_INVALID: EXIT.usage,
  SETTING_BREAKS_LAW: EXIT.usage,
  JOB_UNKNOWN: EXIT.usage,
  JOB_INPUT_INVALID: EXIT.usage,
  // Not `failed`: to a script that would be the end of the one it asked about.
  JOB_NOT_FOUND: EXIT.usage,
  GRAPH_UNKNOWN: EXIT.usage,
  GRAPH_INVALID: EXIT.usage,
  GRAPH_NOT_FOUND: EXIT.usage,
  DEPLOY_NOT_FOUND: EXIT.usage,
  PORT_TAKEN: EXIT.usage,
  QUEUE_OF_ANOTHER_ENVIRONMENT: EXIT.usage,
  LEDGER_WRONG_CLUSTER: EXIT.usage,
  LEDGER_SCHEMA: EXIT.usage,
  LEDGER_POOLED: EXIT.usage,
  LEDGER_DENIED: EXIT.usage,
  LEDGER_DATABASE_MISSING: EXIT.usage,
  POSTGRES_TOO_OLD: EXIT.usage,
  TEMPORAL_TOO_OLD: EXIT.usage,
  KEYRING_MISSING: EXIT.usage,
  KEYRING_INVALID: EXIT.usage,
  KEY_MISSING: EXIT.usage,
  PLAINTEXT_REFUSED: EXIT.usage,
  JOB_EXISTS: EXIT.rejected,
  GRAPH_EXISTS: EXIT.rejected,
  TEMPORAL_CONFIG_INVALID: EXIT.usage,
  TEMPORAL_TLS: EXIT.usage,
  TEMPORAL_DENIED: EXIT.usage,
  TEMPORAL_NAMESPACE_MISSING: EXIT.usage,
  DEPLOY_CONFLICT: EXIT.rejected,
  DEPLOY_INVALID: EXIT.rejected,
  DEPLOY_NOT_CURRENT: EXIT.rejected,
  DEPLOY_NOT_APPROVED: EXIT.rejected,
  APPROVAL_REFUSED: EXIT.rejected,
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

/** The errors that end a command with this code. */
export const errorsOf = (exitCode: number): ErrorCode[] =>
  ERROR_CODES.filter((code) => (OF_ERROR[code] ?? EXIT.failed) === exitCode);

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
