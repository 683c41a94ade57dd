import { storable } from '../storable.ts';
import { NAME_PATTERN } from '../protocol.ts';
import { isUndecodable } from './payload-converter.ts';
import type { DeployRequest } from '../protocol.ts';

/** Why a request for a deploy cannot be one; undefined if it can. It came from outside: nothing of its shape is certain. */
export function refuseRequest(request: unknown): string | undefined {
  if (isUndecodable(request))
    return `the request cannot be decoded (${request.undecodable}): it must be JSON, encoding json/plain`;
  if (typeof request !== 'object' || request === null || Array.isArray(request))
    return 'a request is an object with id, plan and requestedBy';
  if (!isStorable(request)) return 'a request may hold no NUL characters and no half characters';
  const r = request as Partial<Record<keyof DeployRequest, unknown>>;
  if (typeof r.id !== 'string' || !NAME_PATTERN.test(r.id))
    return `id ${JSON.stringify(r.id)} must be letters, digits, ".", "_" or "-", at most 100`;
  if (typeof r.plan !== 'string') return 'plan must name a plan of lockkeeper.yaml';
  if (typeof r.requestedBy !== 'string' || r.requestedBy === '') return 'requestedBy must say who asks';
  if (r.version !== undefined && typeof r.version !== 'string') return 'version must be a string';
  return refuseParameters(r.parameters) ?? refuseExternal(r.external);
}

const isStorable = (value: unknown): boolean =>
  typeof value === 'string'
    ? value === storable(value)
    : typeof value !== 'object' || value === null || Object.entries(value).flat().every(isStorable);

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
  if (typeof deadlineMs !== 'number' || !(deadlineMs > 0))
    return 'external.deadlineMs must be a number of milliseconds';
  return undefined;
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};
