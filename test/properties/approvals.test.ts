import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isLockkeeperError } from '../../src/errors.ts';
import { insertRequest, withdraw } from '../../src/ledger/deploy-requests.ts';
import { grantLock, recordOutcome } from '../../src/ledger/deploy-record.ts';
import { readDeploy } from '../../src/ledger/deploys.ts';
import { giveTurn, readOrder } from '../../src/ledger/order.ts';
import { actOnDeploy, actOnFreeze } from '../../src/ledger/order-acts.ts';
import type { ApprovalPolicy, ResolvedPlan } from '../../src/protocol.ts';
import { freshLedger } from '../support/fresh-ledger.ts';

const ledger = await freshLedger();
const RUNS = Number(process.env['FC_RUNS'] ?? 40);
const MINUTE = 60_000;
const POLICY: ApprovalPolicy = { count: 2, notRequester: true, expireAfterMs: 10 * MINUTE };
const PLAN: ResolvedPlan = {
  name: 'default',
  queues: [],
  participants: [],
  drain: { deadlineMs: 1, onTimeout: 'abandon', waitMs: 0 },
  steps: [],
  onFailure: 'rollback',
  holdMs: 1,
};

const ids = fc.constantFrom('a', 'b', 'c');
const people = fc.constantFrom('ann', 'bob', 'rita');
const act = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('request' as const),
      id: ids,
      inMinutes: fc.constantFrom(0, 0, 3),
      needed: fc.constantFrom(1, 2),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('approve' as const), id: ids, by: people }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('revoke' as const), id: ids, by: people }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expedite' as const), id: ids, through: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('freeze' as const), minutes: fc.constantFrom(0, 4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unfreeze' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('withdraw' as const), id: ids }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), minutes: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const) }) },
);
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;

/** A deploy as somebody with a notebook would keep it. Times are minutes of this test's own clock. */
interface Noted {
  readonly needed: number;
  dueAt: number;
  /** Who approved, and when. */
  readonly approved: Map<string, number>;
  /** In which of the approvals it became one of the order; undefined: it is not. */
  place: number | undefined;
  hasty: number | undefined;
  through: boolean;
  state: 'waits' | 'runs' | 'over';
}

class Notebook {
  readonly deploys = new Map<string, Noted>();
  frozenUntil: number | undefined;
  /** How many deploys have had their turn. */
  turns = 0;
  now = 0;
  #count = 0;

  next(): number {
    return (this.#count += 1);
  }

  counts(d: Noted): number {
    return [...d.approved].filter(([person, at]) => person !== 'rita' && this.now - at < 10).length;
  }

  /** What follows from the approvals as they are now. */
  settle(d: Noted): void {
    if (d.state !== 'waits') return;
    for (const [person, at] of d.approved) if (this.now - at >= 10) d.approved.delete(person);
    if (this.counts(d) >= d.needed) d.place ??= this.next();
    else {
      d.place = undefined;
      d.hasty = undefined;
      d.through = false;
    }
  }

  /** Whose turn it must be. */
  turn(): string | undefined {
    const all = [...this.deploys];
    const running = all.find(([, d]) => d.state === 'runs');
    if (running) return running[0];
    const frozen = this.frozenUntil !== undefined && this.now < this.frozenUntil;
    const able = all.filter(
      ([, d]) => d.state === 'waits' && d.place !== undefined && d.dueAt <= this.now && (!frozen || d.through),
    );
    const first = able.sort(([, x], [, y]) => (x.hasty ?? Infinity) - (y.hasty ?? Infinity) || x.place! - y.place!);
    return first[0]?.[0];
  }
}

/** What the ledger must say to an act: done, or a refusal. */
function expected(notes: Notebook, a: Act): boolean {
  if (!('id' in a)) return true;
  const d = notes.deploys.get(a.id);
  if (a.do === 'request') return true;
  // Until it has the lock, which `end` gives it, it can be taken back.
  if (a.do === 'withdraw') return d !== undefined && d.state !== 'over';
  if (d?.state !== 'waits') return false;
  switch (a.do) {
    case 'approve':
      return a.by !== 'rita';
    case 'revoke':
      return notes.now - (d.approved.get(a.by) ?? -100) < 10;
    case 'expedite':
      return notes.counts(d) >= d.needed;
  }
}

test('whatever is said in whatever order: one at a time, strictly by approval, haste, time and freeze, and nothing is lost', async () => {
  let turns = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 25, maxLength: 60, size: 'max' }), async (acts) => {
      const environment = randomUUID();
      const notes = new Notebook();
      for (const a of acts) await step(environment, notes, a);
      // In the end everything that has been asked for has ended, or still waits.
      const { queued, running } = await readOrder(ledger, environment);
      turns += notes.turns;
      const left = [...notes.deploys].filter(([, d]) => d.state !== 'over').map(([id]) => id);
      expect([...queued.map((q) => q.deploy), ...(running === undefined ? [] : [running])].sort()).toEqual(left.sort());
    }),
    { numRuns: RUNS },
  );
  // It was about something.
  expect(turns).toBeGreaterThan(RUNS / 4);
}, 180_000);

async function step(environment: string, notes: Notebook, a: Act): Promise<void> {
  if (a.do === 'request' && notes.deploys.has(a.id)) return;
  const should = expected(notes, a);
  const did = await perform(environment, notes, a).then(
    () => true,
    (error: unknown) => {
      if (!isLockkeeperError(error)) throw error;
      return false;
    },
  );
  expect(did, JSON.stringify(a)).toBe(should);
  if (did) note(notes, a);
  if (a.do !== 'turn') return;
  for (const d of notes.deploys.values()) notes.settle(d);
  const { turn } = await giveTurn(ledger, environment, () => undefined);
  const must = notes.turn();
  expect(turn).toBe(must);
  const given = must === undefined ? undefined : notes.deploys.get(must);
  if (given?.state !== 'waits') return;
  given.state = 'runs';
  notes.turns += 1;
}

async function perform(environment: string, notes: Notebook, a: Act): Promise<void> {
  const running = [...notes.deploys].find(([, d]) => d.state === 'runs')?.[0];
  const said = { by: 'ann', reason: 'r' };
  const inMinutes = (minutes: number) => new Date(Date.now() + minutes * MINUTE).toISOString();
  switch (a.do) {
    case 'request': {
      const scheduledFor = a.inMinutes > 0 ? { scheduledFor: inMinutes(a.inMinutes) } : {};
      await insertRequest(
        ledger,
        environment,
        { id: a.id, plan: 'p', requestedBy: 'rita', ...scheduledFor },
        { ...POLICY, count: a.needed },
      );
      return;
    }
    case 'approve':
      await actOnDeploy(ledger, environment, { act: 'approve', deploy: a.id, by: a.by });
      return;
    case 'revoke':
      await actOnDeploy(ledger, environment, { act: 'revoke', deploy: a.id, by: a.by, reason: 'r' });
      return;
    case 'expedite':
      await actOnDeploy(ledger, environment, { act: 'expedite', deploy: a.id, ...said, throughFreeze: a.through });
      return;
    case 'freeze':
      await actOnFreeze(ledger, environment, {
        act: 'freeze',
        ...said,
        ...(a.minutes > 0 && { until: inMinutes(a.minutes) }),
      });
      return;
    case 'unfreeze':
      await actOnFreeze(ledger, environment, { act: 'unfreeze', ...said });
      return;
    case 'withdraw':
      return withdraw(ledger, environment, { deploy: a.id, ...said });
    case 'pass':
      return pass(environment, a.minutes);
    case 'end': {
      if (running === undefined) return;
      const { row } = await grantLock(ledger, environment, running, `run of ${running}`, () => PLAN);
      await recordOutcome(ledger, { environment, deploy: running, token: row.token! }, 'succeeded', undefined);
      expect((await readDeploy(ledger, environment, running)).outcome).toBe('succeeded');
      return;
    }
    case 'turn':
  }
}

/** Time passes: everything that was said, or is to be, is so much earlier. */
async function pass(environment: string, minutes: number): Promise<void> {
  const by = [environment, `${minutes} minutes`];
  await ledger.pool.query('update lockkeeper._approvals set at = at - $2::interval where environment = $1', by);
  await ledger.pool.query(
    'update lockkeeper._deploys set scheduled_for = scheduled_for - $2::interval where environment = $1',
    by,
  );
  await ledger.pool.query(
    `update lockkeeper._environments set frozen = jsonb_set(frozen, '{until}', to_jsonb((frozen ->> 'until')::numeric - $2))
     where environment = $1 and frozen ? 'until'`,
    [environment, minutes * MINUTE],
  );
}

function note(notes: Notebook, a: Act): void {
  const d = 'id' in a ? notes.deploys.get(a.id) : undefined;
  switch (a.do) {
    case 'request':
      notes.deploys.set(a.id, {
        needed: a.needed,
        dueAt: notes.now + a.inMinutes,
        approved: new Map(),
        place: undefined,
        hasty: undefined,
        through: false,
        state: 'waits',
      });
      return;
    case 'approve':
      // Said twice, it counts from the first time on, unless that is over.
      if (notes.now - (d!.approved.get(a.by) ?? -100) >= 10) {
        d!.approved.delete(a.by);
        d!.approved.set(a.by, notes.now);
      }
      notes.settle(d!);
      return;
    case 'revoke':
      d!.approved.delete(a.by);
      notes.settle(d!);
      return;
    case 'expedite':
      notes.settle(d!);
      d!.hasty ??= notes.next();
      d!.through ||= a.through;
      return;
    case 'freeze':
      notes.frozenUntil = a.minutes > 0 ? notes.now + a.minutes : Infinity;
      return;
    case 'unfreeze':
      notes.frozenUntil = undefined;
      return;
    case 'withdraw':
      d!.state = 'over';
      return;
    case 'pass':
      notes.now += a.minutes;
      return;
    case 'end':
      for (const one of notes.deploys.values()) if (one.state === 'runs') one.state = 'over';
      return;
    case 'turn':
  }
}
