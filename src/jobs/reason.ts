import type { JobSeal } from '../crypto/job-seal.ts';

/** Why a job is as it is: in words of lockkeeper's own, and what the job's own code or its data have to do with it. */
export interface Reason {
  readonly words?: string;
  readonly detail?: string;
}

/** For whoever may read everything of the job. */
export const spoken = ({ words, detail }: Reason): string => joined([words, detail]);

/** As it may stand in the ledger: what is the job's own is encrypted. */
export const forLedger = ({ words, detail }: Reason, seal: JobSeal): string =>
  joined([words, detail === undefined ? undefined : seal.sealText(detail, 'reason')]);

const joined = (parts: readonly (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined).join(': ');
