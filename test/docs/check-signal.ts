import {
  DEPLOY_FINISH_SIGNAL,
  DEPLOY_START_SIGNAL,
  PARTICIPANT_DRAINED_SIGNAL,
  QUEUE_DRAINED_SIGNAL,
} from '../../src/protocol.ts';
import { refuseRequest } from '../../src/workflows/request.ts';

/** What each signal of a coordinator must hold. A request is judged by the coordinator's own check. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  [DEPLOY_START_SIGNAL]: ['id', 'plan', 'requestedBy'],
  [DEPLOY_FINISH_SIGNAL]: ['deploy', 'nonce', 'ok'],
  [PARTICIPANT_DRAINED_SIGNAL]: ['participant', 'deploy'],
  [QUEUE_DRAINED_SIGNAL]: ['taskQueue', 'deploy', 'generation'],
};
export const COORDINATOR_SIGNALS = Object.keys(FIELDS);

export function checkSignal(name: string, input: unknown): string | undefined {
  if (name === DEPLOY_START_SIGNAL) return refuseRequest(input);
  const missing = FIELDS[name]!.filter((field) => !Object.hasOwn(Object(input) as object, field));
  return missing.length === 0 ? undefined : `signal ${name} lacks ${missing.join(', ')}`;
}
