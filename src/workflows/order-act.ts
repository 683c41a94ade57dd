import { MOMENT, isMoment } from '../moment.ts';
import { storable } from '../storable.ts';
import type { DeployAct, FreezeAct } from '../protocol.ts';
import { isUndecodable } from './payload-converter.ts';

/** Longer is not read by anybody, characters. */
const LONGEST_REASON = 4_000;
const LONGEST_NAME = 200;

/** A word about a deploy, from outside: nothing of its shape is certain. @returns why it cannot be one, or the word */
export function readDeployAct(act: DeployAct['act'], payload: unknown): DeployAct | string {
  const fields = fieldsOf(payload);
  if (typeof fields === 'string') return fields;
  const { deploy, by, reason, throughFreeze } = fields;
  if (!isText(deploy, LONGEST_NAME)) return '`deploy` must name a deploy';
  const refused = refuseWhoAndWhy(fields, act !== 'approve');
  if (refused !== undefined) return refused;
  if (throughFreeze !== undefined && typeof throughFreeze !== 'boolean') return '`throughFreeze` must be true or false';
  return {
    act,
    deploy,
    by,
    ...(reason !== undefined && { reason }),
    ...(act === 'expedite' && throughFreeze !== undefined && { throughFreeze }),
  } as DeployAct;
}

export function readFreezeAct(act: FreezeAct['act'], payload: unknown): FreezeAct | string {
  const fields = fieldsOf(payload);
  if (typeof fields === 'string') return fields;
  const { by, reason, until } = fields;
  const refused = refuseWhoAndWhy(fields, true);
  if (refused !== undefined) return refused;
  if (until !== undefined && !isMoment(until)) return `\`until\` must be ${MOMENT}`;
  return { act, by, reason, ...(act === 'freeze' && until !== undefined && { until }) } as FreezeAct;
}

function refuseWhoAndWhy({ by, reason }: Record<string, unknown>, needsReason: boolean): string | undefined {
  if (!isText(by, LONGEST_NAME)) return '`by` must say who, in at most 200 characters';
  if (reason === undefined && !needsReason) return undefined;
  if (!isText(reason, LONGEST_REASON)) return '`reason` must say why, for the record';
  return undefined;
}

const isText = (value: unknown, longest: number): value is string =>
  typeof value === 'string' && value.trim() !== '' && value.length <= longest && value === storable(value);

function fieldsOf(payload: unknown): Record<string, unknown> | string {
  if (isUndecodable(payload))
    return `it cannot be decoded (${payload.undecodable}): it must be JSON, encoding json/plain`;
  if (typeof payload !== 'object' || payload === null) return 'it must be an object';
  return { ...payload };
}
