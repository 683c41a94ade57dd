import {
  DEPLOY_ACTS,
  DEPLOY_FINISH_SIGNAL,
  DEPLOY_START_SIGNAL,
  FREEZE_ACTS,
  PARTICIPANT_DRAINED_SIGNAL,
  QUEUE_DRAINED_SIGNAL,
} from '../../src/protocol.ts';
import { readDeployAct, readFreezeAct } from '../../src/workflows/order-act.ts';
import { refuseRequest } from '../../src/workflows/request.ts';

/** What each signal of a coordinator must hold. Requests and people's words are judged by the coordinator's own checks. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  [DEPLOY_START_SIGNAL]: ['id', 'plan', 'requestedBy'],
  [DEPLOY_FINISH_SIGNAL]: ['deploy', 'nonce', 'ok'],
  [PARTICIPANT_DRAINED_SIGNAL]: ['participant', 'deploy'],
  [QUEUE_DRAINED_SIGNAL]: ['taskQueue', 'deploy', 'generation'],
};
export const COORDINATOR_SIGNALS: readonly string[] = [...Object.keys(FIELDS), ...DEPLOY_ACTS, ...FREEZE_ACTS];

export function checkSignal(name: string, input: unknown): string | undefined {
  if (name === DEPLOY_START_SIGNAL) return refuseRequest(input);
  const deployAct = DEPLOY_ACTS.find((act) => act === name);
  const freezeAct = FREEZE_ACTS.find((act) => act === name);
  const word = deployAct ? readDeployAct(deployAct, input) : freezeAct && readFreezeAct(freezeAct, input);
  if (word !== undefined) return typeof word === 'string' ? word : undefined;
  const missing = FIELDS[name]!.filter((field) => !Object.hasOwn(Object(input) as object, field));
  return missing.length === 0 ? undefined : `signal ${name} lacks ${missing.join(', ')}`;
}
