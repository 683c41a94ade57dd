import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createGateActivities } from '../../src/activities/gates.ts';
import type { DeployDependencies } from '../../src/activities/deploy-dependencies.ts';
import { readGate } from '../../src/ledger/gates.ts';
import type { DeployRef } from '../../src/protocol.ts';
import { openQueue } from '../support/claiming.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { quietLog } from '../support/quiet-log.ts';

const ledger = await freshLedger();
const RUNS = Number(process.env['FC_RUNS'] ?? 40);

interface Limit {
  rate: number | undefined;
  reason: string;
}

/** The one thing of the server that matters here: a limit, of which the last write wins. `pause` runs before each call. */
function server(limit: { now: Limit | undefined }, pause: () => Promise<void>): Client {
  return {
    options: { namespace: ledger.namespace },
    withDeadline: (_: number, call: () => Promise<unknown>) => call(),
    workflowService: {
      async describeTaskQueue() {
        await pause();
        const { now } = limit;
        if (!now) return { config: {} };
        const rateLimit = now.rate === undefined ? {} : { rateLimit: { requestsPerSecond: now.rate } };
        return { config: { queueRateLimit: { ...rateLimit, metadata: { reason: now.reason } } } };
      },
      async updateTaskQueueConfig({
        updateQueueRateLimit: set,
      }: {
        updateQueueRateLimit: { rateLimit?: { requestsPerSecond: number }; reason: string };
      }) {
        await pause();
        limit.now = { rate: set.rateLimit?.requestsPerSecond, reason: set.reason };
      },
    },
  } as unknown as Client;
}

/** Phases that the two deploys go through; a late act is frozen before each of its calls until a phase has begun. */
const PHASES = ['first closes', 'first opens', 'second closes', 'second opens', 'over'];
const lateAct = fc.record({
  act: fc.constantFrom('close', 'open'),
  wakes: fc.array(fc.integer({ min: 1, max: PHASES.length - 1 }), { minLength: 4, maxLength: 4 }),
});

test('acts of a deploy that come late leave no queue braked, and open nothing that the next one has closed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(lateAct, { minLength: 1, maxLength: 3 }), async (late) => {
      const taskQueue = await openQueue(ledger);
      const limit: { now: Limit | undefined } = { now: undefined };
      const begun = PHASES.map(() => Promise.withResolvers<void>());
      const acts = (pause: () => Promise<void>) =>
        createGateActivities({
          ledger,
          ledgerId: 'ledger',
          client: server(limit, pause),
          log: quietLog,
        } as unknown as DeployDependencies);
      const now = acts(() => Promise.resolve());
      const [first, second] = [await granted(1), await granted(2)];

      const freeze = (what: 'close' | 'open') =>
        late
          .filter(({ act }) => act === what)
          .map(({ wakes }) => {
            const order = [...wakes].sort((a, b) => a - b);
            const { closeGate, openGate } = acts(() => begun[order.shift() ?? PHASES.length - 1]!.promise);
            const work =
              what === 'close' ? closeGate({ ...first, act: 1, taskQueue }) : openGate({ ...first, act: 2, taskQueue });
            return work.catch((error: Error) =>
              expect(error.message).toMatch(/not held|has ended|belongs to|does not hold/),
            );
          });

      const closes = freeze('close');
      await now.closeGate({ ...first, act: 1, taskQueue });
      const opens = freeze('open');
      begun[1]!.resolve();
      await now.openGate({ ...first, act: 2, taskQueue });
      await ended(first);
      begun[2]!.resolve();
      await now.closeGate({ ...second, taskQueue });
      begun[3]!.resolve();
      // At the next step the deploy looks at its gates again.
      await now.assertGates(second);
      const gate = await readGate(ledger.pool, ledger.namespace, taskQueue);
      expect(gate).toMatchObject({ state: 'closed', owner: { deploy: second.deploy } });
      await now.openGate({ ...second, taskQueue });
      await ended(second);
      begun[4]!.resolve();
      await Promise.all([...closes, ...opens]);
      expect(await readGate(ledger.pool, ledger.namespace, taskQueue)).toMatchObject({
        state: 'open',
        owner: undefined,
      });
      expect(limit.now?.rate).toBeUndefined();
    }),
    { numRuns: RUNS },
  );
}, 120_000);

async function granted(token: number): Promise<DeployRef> {
  const deploy = randomUUID();
  await ledger.pool.query(
    `insert into lockkeeper._deploys (namespace, environment, id, request, request_hash, plan, requested_by, fencing_token)
     values ($1, 'production', $2, '{}', '', '', '', $3)`,
    [ledger.namespace, deploy, token],
  );
  return { environment: 'production', deploy, token };
}

async function ended({ deploy }: DeployRef): Promise<void> {
  await ledger.pool.query(`update lockkeeper._deploys set outcome = 'succeeded' where id = $1`, [deploy]);
}
