import { spentIn } from '../one-machine/history.ts';
import type { OneMachine, Struck } from '../one-machine/one-machine.ts';
import { allAsExpected } from '../one-machine/story.ts';
import type { Check } from '../one-machine/story.ts';
import { cities } from './cities.ts';

interface Subject {
  readonly machine: OneMachine;
  readonly workflowId: string;
  readonly deploy: string;
  readonly kill: Struck;
}

/** Counts from what is left, prints it, and says whether it is as it must be. */
export async function verify(s: Subject): Promise<boolean> {
  const found = { ...(await countRows(s)), ...(await measure(s)) };
  const { attempts, failed } = await spentIn(s.machine.lockkeeper.temporal.client, s.workflowId, s.kill.at);
  const checks: Check[] = [
    ['cities in the input', cities.length, undefined],
    ['cities in the database', found.distinct, cities.length],
    ['lost', cities.length - found.distinct, 0],
    ['done twice', found.rows - found.distinct, 0],
    ['countries with statistics', found.countries, new Set(cities.map((city) => city.country)).size],
    ['statistics that are wrong', found.wrongStatistics, 0],
    ['rows written by version 1', found.v1, undefined],
    ['rows written by version 2', found.v2, undefined],
    ['rows of version 2 without the new column', found.v2Empty, 0],
    ['attempts spent by the deploy', attempts, 0],
    ['failed or timed-out activities in histories', failed, 0],
    ['claims of version 1 after code 700', found.lateClaims, 0],
    ['ms from the first gate closing to drained', found.drainMs, undefined],
    ['ms from the first gate opening to the next new row', found.resumeMs, undefined],
    ['ms from SIGKILL to the next new row of its jobs', found.recoverMs, undefined],
  ];
  const good = allAsExpected(checks);
  const mixed = found.v1 > 0 && found.v2 > 0;
  if (!mixed) console.error('Both versions should have written rows: the deploy was not in the middle.');
  if (mixed && good) console.log('Nothing lost, nothing done twice.');
  return mixed && good;
}

async function countRows({ machine: { db } }: Subject) {
  const { rows } = await db.query<
    Record<'rows' | 'distinct' | 'v1' | 'v2' | 'v2Empty' | 'countries' | 'wrongStatistics', number>
  >(
    `select count(*)::int as rows, count(distinct n)::int as distinct,
       (count(*) filter (where written_by = 'v1'))::int as v1, (count(*) filter (where written_by = 'v2'))::int as v2,
       (count(*) filter (where written_by = 'v2' and hemisphere is null))::int as "v2Empty",
       (select count(*)::int from country_statistics) as countries,
       (select count(*)::int from (select country, count(*) as n from city group by country) as c
          full join country_statistics s using (country) where s.cities is distinct from c.n) as "wrongStatistics"
     from city`,
  );
  return rows[0]!;
}

async function measure({ machine: { db }, deploy, kill }: Subject) {
  const { rows } = await db.query<Record<'drainMs' | 'resumeMs' | 'recoverMs' | 'lateClaims', number>>(
    `with e as (select event, detail, at from lockkeeper.events where deploy = $1),
       gate as (select min(at) filter (where event = 'lockGranted') as granted,
         min(at) filter (where event = 'gateOpened') as opened,
         min(at) filter (where event = 'code' and (detail->>'code')::int = 500) as drained,
         min(at) filter (where event = 'code' and (detail->>'code')::int = 700) as steps_done from e)
     select (extract(epoch from drained - granted) * 1000)::int as "drainMs",
       (extract(epoch from (select min(written_at) from city where written_at > opened) - opened) * 1000)::int as "resumeMs",
       -- What the killed worker had under way may still be committed after its death: the next row is one of the next claim.
       (extract(epoch from (select min(c.written_at) from city c, lockkeeper.claims next
          where next.key = any($3) and next.started_at > $2 and c.part = split_part(next.key, '/', -1)::int
            and c.written_at > next.started_at) - $2) * 1000)::int as "recoverMs",
       (select count(*)::int from lockkeeper.claims where build_id = 'v1' and started_at > steps_done) as "lateClaims"
     from gate`,
    [deploy, kill.at, kill.jobs],
  );
  return rows[0]!;
}
