import { MOMENT, isMoment } from '../moment.ts';
import { storable } from '../storable.ts';
import { NAME_PATTERN } from '../protocol.ts';
import { isUndecodable } from './payload-converter.ts';
import type { DeployRequest } from '../protocol.ts';

/** A request is kept for good and told of with all that wait: what people and scripts write is far smaller. */
const LONGEST_REQUEST = 64 * 1024;
const DEEPEST = 20;
/** A year, milliseconds: what a person can still mean, and every timer can hold. */
const LONGEST_DEADLINE = 365 * 86_400_000;

/** Why a request for a deploy cannot be one; undefined if it can. It came from outside: nothing of its shape is certain. */
export function refuseRequest(request: unknown): string | undefined {
  if (isUndecodable(request))
    return `the request cannot be decoded (${request.undecodable}): it must be JSON, encoding json/plain`;
  if (typeof request !== 'object' || request === null || Array.isArray(request))
    return 'a request is an object with id, plan and requestedBy';
  if (!isStorable(request, DEEPEST))
    return `a request may hold no NUL characters, no half characters and nothing nested deeper than ${DEEPEST}`;
  const { length } = JSON.stringify(request);
  if (length > LONGEST_REQUEST)
    return `the request has ${length} characters of JSON, at most ${LONGEST_REQUEST} are possible`;
  const r = request as Partial<Record<keyof DeployRequest, unknown>>;
  if (typeof r.id !== 'string' || !NAME_PATTERN.test(r.id))
    return `id ${JSON.stringify(r.id)} must be letters, digits, ".", "_" or "-", at most 100`;
  if (typeof r.plan !== 'string') return 'plan must name a plan of lockkeeper.yaml';
  if (typeof r.requestedBy !== 'string' || r.requestedBy === '') return 'requestedBy must say who asks';
  if (r.version !== undefined && typeof r.version !== 'string') return 'version must be a string';
  if (r.scheduledFor !== undefined && !isMoment(r.scheduledFor)) return `scheduledFor must be ${MOMENT}`;
  return refuseParameters(r.parameters) ?? refuseExternal(r.external);
}

function isStorable(value: unknown, deeper: number): boolean {
  if (typeof value === 'string') return value === storable(value);
  if (typeof value !== 'object' || value === null) return true;
  const parts: unknown[] = Object.entries(value).flat();
  return deeper > 0 && parts.every((part) => isStorable(part, deeper - 1));
}

function refuseParameters(parameters: unknown): string | undefined {
  if (parameters === undefined) return undefined;
  const strings =
    typeof parameters === 'object' &&
    parameters !== null &&
    Object.values(parameters).every((v) => typeof v === 'string');
  return strings ? undefined : 'parameters must be an object of strings';
}

function refuseExternal(external: unknown): string | undefined {
  if (external === undefined) return undefined;
  const { mode, nonce, deadlineMs } = fieldsOf(external);
  if (mode === 'lease') return undefined;
  if (mode !== 'deadline') return 'external.mode must be "lease" or "deadline"';
  if (typeof nonce !== 'string' || nonce.length < 8) return 'external.nonce must be a string of at least 8 characters';
  if (typeof deadlineMs !== 'number' || !(deadlineMs > 0 && deadlineMs <= LONGEST_DEADLINE))
    return 'external.deadlineMs must be a number of milliseconds, at most a year';
  return undefined;
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};
