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

/** What a notice holds of its deploy, as far as it matters here. */
export interface DeployFacts {
  /** The event of the record that is told. */
  readonly record: number;
}

/** A notice that was taken to be told. */
export interface TakenNotice {
  /** In the order of what happened. */
  readonly number: number;
  readonly id: string;
  readonly event: string;
  /** The id of the job or deploy. */
  readonly subject: string;
  /** Of the job; who asked for the deploy. */
  readonly owner: string | undefined;
  readonly facts: JobFacts | DeployFacts;
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
  facts: JobFacts | DeployFacts;
  created_at: Date;
  attempts: number;
  /** How many were put off. */
  waiting: number;
}

/** Looked at together for those that may be told now. One that waits for another is put off, and not looked at again before. */
const LOOK_AT = 200;
/** How often that is done at once, before whoever asks has a moment to stop. */
const LOOKS = 20;

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
  for (let looks = 0; looks < LOOKS; looks += 1) {
    const { rows } = await ledger.pool.query<RawNotice | { number: null; waiting: number }>({
      name: 'take_notices',
      text: TAKE,
      values: [ledger.namespace, environment, receiver, atMost, NOTICE_TAKEN_FOR, NOTICE_ORDER_TRIES, LOOK_AT],
    });
    const taken = rows.filter((row) => row.number !== null);
    // Behind so many that wait there may be one that does not.
    if (taken.length > 0 || rows[0]!.waiting < LOOK_AT) return taken.map(takenNotice);
  }
  return [];
}

const TAKE = `with due as (
    select n.number, n.subject from lockkeeper._notices n
    where n.namespace = $1 and n.environment = $2 and n.receiver = $3 and n.state = 'pending'
      and n.due_at <= clock_timestamp()
    order by n.due_at limit $7 for update skip locked),
  judged as (
    select due.number, (select max(e.due_at) from lockkeeper._notices e
      where e.namespace = $1 and e.environment = $2 and e.receiver = $3 and e.state = 'pending'
        and e.subject = due.subject and e.number < due.number and e.attempts < $6) as earlier_due_at
    from due),
  waiting as (
    update lockkeeper._notices n set due_at = greatest(j.earlier_due_at, clock_timestamp() + interval '1 second')
    from judged j where n.number = j.number and j.earlier_due_at is not null returning n.number),
  free as (select j.number from judged j where j.earlier_due_at is null order by j.number limit $4),
  taken as (
    update lockkeeper._notices n
    set attempts = n.attempts + 1, due_at = clock_timestamp() + $5 * interval '1 millisecond'
    from free where n.number = free.number
    returning n.number, n.id, n.event, n.subject, n.owner, n.facts, n.created_at, n.attempts)
  select t.*, w.waiting from (select count(*)::integer as waiting from waiting) w left join taken t on true`;

function takenNotice({ number, owner, created_at: at, id, event, subject, facts, attempts }: RawNotice): TakenNotice {
  return { number: Number(number), id, event, subject, owner: owner ?? undefined, facts, at, attempts };
}

/** It was told; whoever has taken it meanwhile tells it again. */
export async function recordDelivered(ledger: Ledger, number: number): Promise<void> {
  await ledger.pool.query(
    `with told as (
       update lockkeeper._notices set state = 'delivered', error = null, ended_at = clock_timestamp()
       where number = $1 and state = 'pending' returning *)
     ${LET_GO} from told t ${OF_THE_SAME}`,
    [number],
  );
}

/** What waits for one that is over waits no longer. */
const LET_GO = 'update lockkeeper._notices n set due_at = clock_timestamp()';
const OF_THE_SAME = `where n.namespace = t.namespace and n.environment = t.environment and n.receiver = t.receiver
  and n.subject = t.subject and n.state = 'pending' and n.attempts = 0 and n.due_at > clock_timestamp()`;

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
    `with failed as (
     update lockkeeper._notices set error = $3, due_at = clock_timestamp() + $4 * interval '1 millisecond',
       state = case when given_up then 'failed' else state end,
       ended_at = case when given_up then clock_timestamp() end
     from (select $5 or created_at < clock_timestamp() - $6 * interval '1 millisecond' as given_up
       from lockkeeper._notices where number = $1) judged
     where number = $1 and attempts = $2 and state = 'pending'
     returning _notices.*),
     let_go as (${LET_GO} from failed t ${OF_THE_SAME} and t.state = 'failed')
     select state from failed`,
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

/** Why a job or deploy is as a notice says, in its own words; undefined: none, or a job that has gone on since. */
export async function readReason(ledger: Ledger, facts: JobFacts | DeployFacts): Promise<string | undefined> {
  const [text, values] =
    'record' in facts
      ? [
          `select coalesce(detail ->> 'reason', detail ->> 'note') as reason from lockkeeper._events where id = $1`,
          [facts.record],
        ]
      : ['select reason from lockkeeper._jobs where key = $1 and state = $2', [facts.key, facts.state]];
  const { rows } = await ledger.pool.query<{ reason: string | null }>(text, values);
  return rows[0]?.reason ?? undefined;
}
