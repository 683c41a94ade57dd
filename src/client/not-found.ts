import { ActivityNotFoundError, isGrpcServiceError } from '@temporalio/client';

/** gRPC status 5: the activity or workflow is not there (any more). */
const NOT_FOUND = 5;

export function isNotFound(error: unknown): boolean {
  if (error instanceof ActivityNotFoundError) return true;
  const cause = error instanceof Error ? error.cause : undefined;
  return (
    [error, cause].some((e) => isGrpcServiceError(e) && (e.code as number) === NOT_FOUND) ||
    (error as Error | null)?.name === 'WorkflowNotFoundError'
  );
}
