import { ApplicationFailure, defineQuery, defineUpdate, setHandler } from '@temporalio/workflow';
import type { JobStatus, ReleaseChoice } from '../protocol.ts';
import type { JobRun } from './run-slices.ts';

export interface JobHandlerNames {
  readonly status: string;
  readonly release: string;
}

/** Lets people ask for the status of a job, and release it from quarantine. Returns what takes both away again. */
export function setJobHandlers(run: JobRun, names: JobHandlerNames): () => void {
  const status = defineQuery<JobStatus>(names.status);
  const release = defineUpdate<JobStatus, [ReleaseChoice]>(names.release);
  setHandler(status, () => run.status());
  setHandler(release, (choice) => (run.release(choice), run.status()), {
    validator: (choice: ReleaseChoice) => {
      const refused = run.refuseRelease(choice);
      if (refused) throw ApplicationFailure.nonRetryable(refused, 'USAGE');
    },
  });
  return () => {
    setHandler(status, undefined);
    setHandler(release, undefined);
  };
}
