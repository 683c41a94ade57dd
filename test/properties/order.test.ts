import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { grantLock, recordCode, recordOutcome } from '../../src/ledger/deploy-record.ts';
import { insertRequest, withdraw } from '../../src/ledger/deploy-requests.ts';
import { openDeploys, readDeploy } from '../../src/ledger/deploys.ts';
import type { ResolvedPlan } from '../../src/protocol.ts';
import { freshLedger } from '../support/fresh-ledger.ts';

const ledger = await freshLedger();
const RUNS = Number(process.env['FC_RUNS'] ?? 40);
const PLAN: ResolvedPlan = {
  name: 'default',
  queues: [],
  participants: [],
  drain: { deadlineMs: 1, onTimeout: 'abandon', waitMs: 0 },
  steps: [],
  onFailure: 'rollback',
  holdMs: 1,
};
const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e');

test('requests at the same time: one ticket for each id, other contents refused, and all that was accepted is driven in its order', async () => {
  const waves = fc.array(
    fc.array(fc.record({ id: ids, version: fc.constantFrom('1', '2') }), { minLength: 1, maxLength: 8 }),
    {
      maxLength: 4,
    },
  );
  await fc.assert(
    fc.asyncProperty(waves, async (all) => {
      const environment = randomUUID();
      const tickets = new Map<string, number>();
      for (const wave of all) {
        const results = await Promise.allSettled(
          wave.map(({ id, version }) =>
            insertRequest(ledger, environment, { id, plan: 'default', requestedBy: 'test', version }),
          ),
        );
        for (const [i, result] of results.entries()) {
          const { id, version } = wave[i]!;
          const { request } = await readDeploy(ledger, environment, id);
          if (result.status === 'rejected') {
            expect(result.reason).toMatchObject({ code: 'DEPLOY_CONFLICT' });
            expect(version).not.toBe(request.version);
            continue;
          }
          expect(version).toBe(request.version);
          expect(tickets.get(id) ?? result.value.approvalOrder).toBe(result.value.approvalOrder);
          tickets.set(id, result.value.approvalOrder!);
        }
      }
      const inOrder = [...tickets].sort(([, a], [, b]) => a - b).map(([id]) => id);
      expect((await openDeploys(ledger, environment)).map((row) => row.id)).toEqual(inOrder);
    }),
    { numRuns: RUNS },
  );
}, 120_000);

test('runs that supersede one another: only the last writes, codes only grow, and an outcome is written once', async () => {
  const acts = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant('grant' as const), run: fc.nat(3) }),
      fc.record({ do: fc.constant('code' as const), run: fc.nat(3), code: fc.constantFrom(400, 500, 601, 700) }),
      fc.record({ do: fc.constant('outcome' as const), run: fc.nat(3) }),
      fc.record({ do: fc.constant('withdraw' as const), run: fc.constant(0) }),
    ),
    { maxLength: 25 },
  );
  await fc.assert(
    fc.asyncProperty(acts, async (all) => {
      const environment = randomUUID();
      await insertRequest(ledger, environment, { id: 'd', plan: 'default', requestedBy: 'test' });
      const tokens = new Map<number, number>();
      let last: number | undefined;
      let code = 200;
      let outcome: string | undefined;
      for (const act of all) {
        const ref = { environment, deploy: 'd', token: tokens.get(act.run) ?? 0 };
        switch (act.do) {
          case 'grant': {
            const granting = grantLock(ledger, environment, 'd', `run-${act.run}`, () => PLAN);
            const superseded = tokens.has(act.run) && last !== act.run;
            if (outcome) await expect(granting).rejects.toMatchObject({ code: 'DEPLOY_NOT_CURRENT' });
            else if (superseded) await expect(granting).rejects.toMatchObject({ code: 'FENCED' });
            else {
              const token = (await granting).row.token!;
              for (const [run, other] of tokens) expect(run === act.run || other < token).toBe(true);
              tokens.set(act.run, token);
              last = act.run;
              code = Math.max(code, 300);
            }
            break;
          }
          case 'code': {
            const writing = recordCode(ledger, ref, { code: act.code, direction: 'forward' });
            if (last !== act.run) await expect(writing).rejects.toMatchObject({ code: 'FENCED' });
            else {
              await writing;
              code = Math.max(code, act.code);
            }
            break;
          }
          case 'outcome':
            await recordOutcome(ledger, ref, 'failed', `run ${act.run}`);
            if (last === act.run) outcome ??= 'failed';
            break;
          case 'withdraw': {
            const taking = withdraw(ledger, environment, { deploy: 'd', reason: 'r', by: 'test' });
            if (last === undefined && !outcome) {
              await taking;
              outcome = 'aborted';
            } else await expect(taking).rejects.toMatchObject({ code: 'DEPLOY_NOT_CURRENT' });
          }
        }
        expect(await readDeploy(ledger, environment, 'd')).toMatchObject({ code, outcome });
      }
    }),
    { numRuns: RUNS },
  );
}, 120_000);
