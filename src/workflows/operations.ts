import { isMoment, MOMENT } from '../moment.ts';
import type { DeployStatus, Operation, StepRecord } from '../protocol.ts';

/** What an operation is judged by. */
export interface Situation extends Pick<DeployStatus, 'deploy' | 'phase' | 'steps' | 'held'> {
  /** Its gates open, or its steps are undone: nobody can change that any more. */
  readonly ending: boolean;
  /** A hold that has been asked for and has not begun. */
  readonly toBeHeld: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** How long the plan lets a deploy be held at most, milliseconds. */
  readonly holdMs: number;
}

export interface Refusal {
  readonly code: 'DEPLOY_NOT_CURRENT' | 'USAGE';
  readonly message: string;
}

const ACTIONS: readonly unknown[] = ['abort', 'retryStep', 'skipStep', 'hold', 'resume'];
const usage = (message: string): Refusal => ({ code: 'USAGE', message });

/** Why an operator's word does not fit the deploy as it is; undefined: it does. Pure. */
export function refuseOperation(operation: Operation, s: Situation): Refusal | undefined {
  if (operation?.deploy !== s.deploy)
    return { code: 'DEPLOY_NOT_CURRENT', message: `deploy ${s.deploy} runs now, not ${operation?.deploy}` };
  if (!operation.reason || !operation.by) return usage('an operation needs `reason` and `by`: they go on the record');
  if (!ACTIONS.includes(operation.action)) return usage(`unknown action ${String(operation.action)}`);
  const refused = refuseNow(operation, s);
  if (refused !== undefined) return usage(refused);
  return s.ending ? usage(`the deploy is ${s.phase}: it cannot be changed any more`) : undefined;
}

function refuseNow(operation: Operation, s: Situation): string | undefined {
  switch (operation.action) {
    case 'abort':
      return undefined;
    case 'hold':
      return refuseHold(operation, s);
    case 'resume':
      if (s.held?.step !== undefined) return 'a step waits for a person: retry-step, skip-step or abort';
      return s.held || s.toBeHeld ? undefined : 'the deploy is not held';
    case 'skipStep':
      if (waitStep(s.steps) && !s.held) return undefined;
      return refuseDecision(s);
    case 'retryStep':
      return refuseDecision(s);
  }
}

function refuseDecision({ held }: Situation): string | undefined {
  if (held?.step !== undefined) return undefined;
  return held
    ? 'the deploy is held before its next step: resume or abort'
    : 'no step of this deploy waits for a person';
}

function refuseHold(
  { until }: Operation,
  { held, toBeHeld, steps, now, holdMs, ending }: Situation,
): string | undefined {
  if (ending) return undefined;
  if (held) return 'the deploy is held already';
  if (toBeHeld) return 'the deploy will be held before its next step already';
  if (steps.length > 0 && !steps.some(({ state }) => state === 'pending'))
    return 'no step is left before which the deploy could be held';
  if (until === undefined) return undefined;
  if (!isMoment(until)) return `\`until\` must be ${MOMENT}`;
  const away = Date.parse(until) - now;
  if (away <= 0) return `a hold until ${until} would be over`;
  if (away > holdMs)
    return `its plan lets it be held for ${holdMs / 1000} s at most: its gates may be closed meanwhile`;
  return undefined;
}

/** The step that does nothing but wait now. */
export const waitStep = (steps: readonly StepRecord[]): StepRecord | undefined =>
  steps.find((step) => step.type === 'wait' && step.state === 'started');
