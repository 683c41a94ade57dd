import { beforeEach, describe, expect, test } from 'vitest';
import {
  closeFence,
  ensureGate,
  isDrained,
  openFence,
  readGate,
  readGates,
  releaseGate,
} from '../../src/ledger/gates.ts';
import type { GateRow } from '../../src/ledger/gates.ts';
import { claim, openQueue, stoppedBeforeCommit, untilBlocked } from '../support/claiming.ts';
import { freshLedger } from '../support/fresh-ledger.ts';

const ledger = await freshLedger();
let taskQueue: string;
beforeEach(async () => {
  taskQueue = await openQueue(ledger);
});

const gate = async (): Promise<GateRow> => (await readGate(ledger.pool, ledger.namespace, taskQueue))!;
const close = (deploy: string, token: number, limit?: { rate?: number; reason?: string }) =>
  closeFence(ledger, taskQueue, { deploy, token }, limit);
const open = (deploy: string, token: number) => openFence(ledger, taskQueue, { deploy, token });
const openWhole = async (deploy: string, token: number) => releaseGate(ledger, (await open(deploy, token))!);

describe('closing', () => {
  test('gives the gate an owner and a new generation', async () => {
    expect(await gate()).toMatchObject({ state: 'open', generation: 0, owner: undefined });
    expect(await close('v1', 7)).toBe(1);
    expect(await gate()).toMatchObject({ state: 'closed', generation: 1, owner: { deploy: 'v1', token: 7 } });
  });

  test('again by the same run finds it closed, with the same generation', async () => {
    expect([await close('v1', 7), await close('v1', 7)]).toEqual([1, 1]);
  });

  test('by a later run of the same deploy takes it over, with a new generation', async () => {
    await close('v1', 7);
    expect(await close('v1', 8)).toBe(2);
    expect(await gate()).toMatchObject({ state: 'closed', generation: 2, owner: { deploy: 'v1', token: 8 } });
  });

  test('by an earlier run of the same deploy is refused', async () => {
    await close('v1', 8);
    await expect(close('v1', 7)).rejects.toMatchObject({ code: 'GATE_OWNED_BY_ANOTHER' });
    expect(await gate()).toMatchObject({ owner: { deploy: 'v1', token: 8 }, generation: 1 });
  });

  test.each([6, 7, 8])('by another deploy is refused with words, whatever its token (%i)', async (token) => {
    await close('v1', 7);
    const refusal = close('v2', token);
    await expect(refusal).rejects.toMatchObject({ code: 'GATE_OWNED_BY_ANOTHER' });
    await expect(refusal).rejects.toThrow(
      new RegExp(
        `gate of ${taskQueue} belongs to deploy v1 \\(fencing token 7\\), deploy v2 with token ${token}.*deploy show v1`,
      ),
    );
    expect(await gate()).toMatchObject({ generation: 1, owner: { deploy: 'v1', token: 7 } });
  });

  test('by another deploy is refused while the gate still opens', async () => {
    await close('v1', 7);
    const opening = await open('v1', 7);
    await expect(close('v2', 8)).rejects.toMatchObject({ code: 'GATE_OWNED_BY_ANOTHER' });
    await releaseGate(ledger, opening!);
    expect(await close('v2', 8)).toBe(2);
  });

  test('by another deploy while the first close is not committed yet: it waits, and is refused', async () => {
    const held = stoppedBeforeCommit(ledger);
    const first = closeFence(held.ledger, taskQueue, { deploy: 'v1', token: 7 }, undefined);
    await held.reached;
    const second = close('v2', 8);
    await Promise.all([
      untilBlocked(ledger, 1).finally(held.goOn),
      expect(second).rejects.toThrow(/belongs to deploy v1/),
    ]);
    expect(await first).toBe(1);
    expect(await gate()).toMatchObject({ state: 'closed', generation: 1, owner: { deploy: 'v1', token: 7 } });
  });

  test('a queue without a gate is refused', async () => {
    await expect(closeFence(ledger, 'nobody-knows-it', { deploy: 'v1', token: 1 }, undefined)).rejects.toThrow(
      /has no gate/,
    );
  });
});

describe('opening', () => {
  test('by its owner goes through opening to open, without owner', async () => {
    await close('v1', 7);
    const opening = await open('v1', 7);
    expect(opening).toMatchObject({ state: 'opening', owner: { deploy: 'v1', token: 7 } });
    await releaseGate(ledger, opening!);
    expect(await gate()).toEqual({
      taskQueue,
      environment: 'production',
      state: 'open',
      generation: 1,
      owner: undefined,
      limitBefore: undefined,
    });
  });

  test('by an earlier deploy does nothing to the gate of the next', async () => {
    await close('v1', 7);
    const late = await open('v1', 7);
    await releaseGate(ledger, late!);
    await close('v2', 8);
    expect(await open('v1', 7)).toBeUndefined();
    await releaseGate(ledger, late!);
    expect(await gate()).toMatchObject({ state: 'closed', owner: { deploy: 'v2', token: 8 } });
  });

  test('by an earlier run of the same deploy does nothing, by a later one it opens', async () => {
    await close('v1', 7);
    expect(await open('v1', 6)).toBeUndefined();
    expect((await gate()).state).toBe('closed');
    expect(await open('v1', 8)).toMatchObject({ state: 'opening' });
  });

  test('a late last act of opening does not open what was closed again in between', async () => {
    await close('v1', 7);
    const late = await open('v1', 7);
    await close('v1', 8);
    await open('v1', 8);
    await releaseGate(ledger, late!);
    expect(await gate()).toMatchObject({ state: 'opening', generation: 2, owner: { deploy: 'v1', token: 8 } });
  });

  test('an open gate stays open', async () => {
    expect(await open('v1', 7)).toBeUndefined();
    expect(await gate()).toMatchObject({ state: 'open', generation: 0 });
  });

  test('again finds it opening', async () => {
    await close('v1', 7);
    expect([(await open('v1', 7))?.state, (await open('v1', 7))?.state]).toEqual(['opening', 'opening']);
  });
});

describe('the limit from before', () => {
  const own = { rate: 5, reason: 'set by hand' };

  test('is kept once: later runs of the deploy do not write over it', async () => {
    await close('v1', 7, own);
    await close('v1', 8, { rate: 9, reason: 'somebody meddled' });
    expect((await gate()).limitBefore).toEqual(own);
    expect((await open('v1', 8))?.limitBefore).toEqual(own);
  });

  test('is kept by a later run when the earlier one found none', async () => {
    await close('v1', 7);
    await close('v1', 8, own);
    expect((await gate()).limitBefore).toEqual(own);
  });

  test('is forgotten when the gate is open, and kept anew by the next deploy', async () => {
    await close('v1', 7, own);
    await openWhole('v1', 7);
    await close('v2', 8, { rate: 1 });
    expect((await gate()).limitBefore).toEqual({ rate: 1 });
  });
});

test('a queue of another environment is refused with words, and its gate stays as it was', async () => {
  const refusal = ensureGate(ledger, 'staging', taskQueue);
  await expect(refusal).rejects.toMatchObject({ code: 'QUEUE_OF_ANOTHER_ENVIRONMENT' });
  await expect(refusal).rejects.toThrow(new RegExp(`${taskQueue} belongs to environment production, not to staging`));
  await ensureGate(ledger, 'production', taskQueue);
  expect(await gate()).toMatchObject({ environment: 'production', state: 'open' });
});

test('the gates of an environment are listed by their queue', async () => {
  for (const queue of ['b', 'a']) await ensureGate(ledger, 'listed', queue);
  expect((await readGates(ledger, 'listed')).map((row) => row.taskQueue)).toEqual(['a', 'b']);
});

test('drained: closed, and nobody at work', async () => {
  expect(await isDrained(ledger, taskQueue)).toBe(false);
  const running = await claim(ledger, { taskQueue });
  await close('v1', 7);
  expect(await isDrained(ledger, taskQueue)).toBe(false);
  await ledger.pool.query('select * from lockkeeper.end_claim($1, $2, $3)', [running.claim, 'fenced', 'given up']);
  expect(await isDrained(ledger, taskQueue)).toBe(true);
  await open('v1', 7);
  expect(await isDrained(ledger, taskQueue)).toBe(false);
  expect(await isDrained(ledger, 'nobody-knows-it')).toBe(false);
});

test('workers are told of a close and of an opening', async () => {
  const heard: string[] = [];
  const listener = await ledger.pool.connect();
  try {
    listener.on('notification', (message) => heard.push(message.payload ?? ''));
    await listener.query('listen lockkeeper_gate');
    await close('v1', 7);
    await openWhole('v1', 7);
    // A notification comes before the answer to what is asked after it.
    await listener.query('select 1');
    expect(heard).toEqual(Array.from({ length: 3 }, () => `${ledger.namespace}/${taskQueue}`));
  } finally {
    listener.release(true);
  }
});
