import {
  NOTICE_DEADLINE,
  NOTICE_DELIVERED_KEPT,
  NOTICE_FAILED_KEPT,
  NOTICE_ORDER_TRIES,
  NOTICE_TAKEN_FOR,
} from '../defaults.ts';
import { storable } from '../storable.ts';
import type { Ledger } from './pool.ts';

/** What a notice holds of its job. */
export interface JobFacts {
  readonly key: string;
  readonly name: string;
  readonly taskQueue: string;
  readonly state: string;
  readonly checkpoint: number;
  readonly interruptions: number;
  readonly done?: number;
  readonly total?: number;
}

/** A notice that was taken to be told. */
export interface TakenNotice {
  /** In the order of what happened. */
  readonly number: number;
  readonly id: string;
  readonly event: string;
  /** The id of the job. */
  readonly subject: string;
  readonly owner: string | undefined;
  readonly facts: JobFacts;
  readonly at: Date;
  /** This one included. */
  readonly attempts: number;
}

interface RawNotice {
  number: string;
  id: string;
  event: string;
  subject: string;
  owner: string | null;
  facts: JobFacts;
  created_at: Date;
  attempts: number;
}

/**
 * Takes notices that are due, for NOTICE_TAKEN_FOR: then they are free again. One whose subject has an earlier notice
 * that is still to be told waits for it, up to NOTICE_ORDER_TRIES.
 */
export async function takeNotices(
  ledger: Ledger,
  environment: string,
  receiver: string,
  atMost: number,
): Promise<TakenNotice[]> {
  const { rows } = await ledger.pool.query<RawNotice>({
    name: 'take_notices',
    text: `with due as (
        select n.number from lockkeeper._notices n
        where n.namespace = $1 and n.environment = $2 and n.receiver = $3 and n.state = 'pending'
          and n.due_at <= clock_timestamp()
          and not exists (select from lockkeeper._notices e
            where e.namespace = n.namespace and e.environment = n.environment and e.receiver = n.receiver
              and e.subject = n.subject and e.number < n.number and e.state = 'pending' and e.attempts < $6)
        order by n.due_at limit $4 for update skip locked)
      update lockkeeper._notices n
        set attempts = n.attempts + 1, due_at = clock_timestamp() + $5 * interval '1 millisecond'
        from due where n.number = due.number
        returning n.number, n.id, n.event, n.subject, n.owner, n.facts, n.created_at, n.attempts`,
    values: [ledger.namespace, environment, receiver, atMost, NOTICE_TAKEN_FOR, NOTICE_ORDER_TRIES],
  });
  return rows.map(({ number, owner, created_at: at, ...row }) => ({
    ...row,
    number: Number(number),
    owner: owner ?? undefined,
    at,
  }));
}

/** It was told; whoever has taken it meanwhile tells it again. */
export async function recordDelivered(ledger: Ledger, number: number): Promise<void> {
  await ledger.pool.query(
    `update lockkeeper._notices set state = 'delivered', error = null, ended_at = clock_timestamp()
     where number = $1 and state = 'pending'`,
    [number],
  );
}

export interface NoticeFailure {
  readonly error: string;
  /** Milliseconds until it is tried again. */
  readonly againAfter: number;
  /** To try it again would be of no use. */
  readonly forGood: boolean;
}

/** It could not be told. True: it is given up, because it never can be, or for its deadline. Not if somebody has taken it since. */
export async function recordFailure(
  ledger: Ledger,
  notice: Pick<TakenNotice, 'number' | 'attempts'>,
  { error, againAfter, forGood }: NoticeFailure,
): Promise<boolean> {
  const { rows } = await ledger.pool.query<{ state: string }>(
    `update lockkeeper._notices set error = $3, due_at = clock_timestamp() + $4 * interval '1 millisecond',
       state = case when given_up then 'failed' else state end,
       ended_at = case when given_up then clock_timestamp() end
     from (select $5 or created_at < clock_timestamp() - $6 * interval '1 millisecond' as given_up
       from lockkeeper._notices where number = $1) judged
     where number = $1 and attempts = $2 and state = 'pending'
     returning state`,
    [notice.number, notice.attempts, storable(error), againAfter, forGood, NOTICE_DEADLINE],
  );
  return rows[0]?.state === 'failed';
}

/** Gives up what nobody tells any more, and removes what is over. @returns how many were given up */
export async function tidyNotices(ledger: Ledger, environment: string): Promise<number> {
  const here = [ledger.namespace, environment];
  await ledger.pool.query(
    `delete from lockkeeper._notices where namespace = $1 and environment = $2 and state <> 'pending'
       and ended_at < clock_timestamp() - case state when 'delivered' then $3::float8 else $4 end * interval '1 millisecond'`,
    [...here, NOTICE_DELIVERED_KEPT, NOTICE_FAILED_KEPT],
  );
  const { rowCount } = await ledger.pool.query(
    `update lockkeeper._notices n set state = 'failed', ended_at = clock_timestamp(),
       error = 'no deploy worker has a receiver of this name any more'
     where namespace = $1 and environment = $2 and state = 'pending'
       and created_at < clock_timestamp() - $3 * interval '1 millisecond'
       and not exists (select from lockkeeper._receivers r
         where r.namespace = n.namespace and r.environment = n.environment and r.name = n.receiver)`,
    [...here, NOTICE_DEADLINE],
  );
  return rowCount ?? 0;
}

/** Why a job is as a notice says, in its own words; undefined when it has gone on since. */
export async function readReason(ledger: Ledger, facts: JobFacts): Promise<string | undefined> {
  const { rows } = await ledger.pool.query<{ reason: string | null }>(
    'select reason from lockkeeper._jobs where key = $1 and state = $2',
    [facts.key, facts.state],
  );
  return rows[0]?.reason ?? undefined;
}
