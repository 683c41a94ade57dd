import { CODE } from '../protocol.ts';
import { storable } from '../storable.ts';
import type { DeployRef } from '../protocol.ts';
import type { StepChange } from './deploy-steps.ts';
import type { Ledger, Queryable } from './pool.ts';

/**
 * Puts on the record that a deploy is held for a person from now on, and until when, if it is: its step is in doubt, or has failed
 * and its plan holds then. Not while it rolls back, or when somebody has ended it.
 */
export async function recordHeldStep(
  ledger: Ledger,
  ref: DeployRef,
  { n, state, note }: StepChange,
  db: Queryable,
): Promise<void> {
  if (state !== 'inDoubt' && state !== 'failed') return;
  await db.query(
    `insert into lockkeeper._events (namespace, environment, deploy, actor, event, detail)
     select d.namespace, d.environment, d.id, 'lockkeeper', 'held', jsonb_strip_nulls(jsonb_build_object('step', $4::integer,
       'until', to_jsonb(now() + (d.resolved_plan ->> 'holdMs')::float8 * interval '1 millisecond'), 'reason', $6::text))
     from lockkeeper._deploys d
     where d.namespace = $1 and d.environment = $2 and d.id = $3 and d.direction = 'forward' and d.code < $7
       and ($5 = 'inDoubt' or d.resolved_plan ->> 'onFailure' = 'hold')
       and not exists (select from lockkeeper._events e where e.namespace = d.namespace and e.environment = d.environment
         and e.deploy = d.id and e.event = 'abort')`,
    [
      ledger.namespace,
      ref.environment,
      ref.deploy,
      n,
      state,
      note === undefined ? null : storable(note),
      CODE.stepsDone,
    ],
  );
}
