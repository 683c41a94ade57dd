import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { endClaim } from '../../src/ledger/claims.ts';
import { closeFence, openFence, readGate, releaseGate } from '../../src/ledger/gates.ts';
import type { GateRow } from '../../src/ledger/gates.ts';
import { claim, openQueue } from '../support/claiming.ts';
import { freshLedger } from '../support/fresh-ledger.ts';

const ledger = await freshLedger();
const RUNS = Number(process.env['FC_RUNS'] ?? 60);
const ENVIRONMENT = 'production';

/** What the gate of one queue must be like, in the simplest words. */
interface Model {
  state: 'open' | 'closed' | 'opening';
  generation: number;
  owner: { deploy: string; token: number } | undefined;
  /** The highest token of each deploy, and whether it has ended. */
  readonly deploys: Map<string, { token: number; ended: boolean }>;
  readonly running: string[];
  /** Gates whose fence was opened by somebody who has not taken the brake off yet. */
  readonly opening: number[];
}
interface Real {
  readonly taskQueue: string;
  readonly names: Map<string, string>;
  readonly opening: GateRow[];
  tokens: number;
}
type Command = fc.AsyncCommand<Model, Real>;

/** `d` stands for a deploy; `late` for how many runs before its present one acts, as a frozen process does. */
const who = { d: fc.constantFrom('one', 'two', 'three'), late: fc.nat(2) };
type Who = { d: string; late: number };
const tokenOf = (model: Model, { d, late }: Who) => Math.max(1, model.deploys.get(d)!.token - late);

class Grant implements Command {
  readonly d: string;
  constructor(d: string) {
    this.d = d;
  }
  check = () => true;
  async run(model: Model, real: Real) {
    const deploy = real.names.get(this.d) ?? `${this.d}-${randomUUID()}`;
    real.names.set(this.d, deploy);
    real.tokens += 1;
    const before = model.deploys.get(this.d);
    model.deploys.set(this.d, { token: real.tokens, ended: before?.ended ?? false });
    await ledger.pool.query(
      `insert into lockkeeper._deploys (namespace, environment, id, request, request_hash, plan, requested_by, fencing_token)
       values ($1, $2, $3, '{}', '', '', '', $4) on conflict (namespace, environment, id) do update set fencing_token = $4`,
      [ledger.namespace, ENVIRONMENT, deploy, real.tokens],
    );
  }
  toString = () => `grant(${this.d})`;
}

class Finish implements Command {
  readonly d: string;
  constructor(d: string) {
    this.d = d;
  }
  check = (model: Readonly<Model>) => model.deploys.has(this.d);
  async run(model: Model, real: Real) {
    model.deploys.set(this.d, { ...model.deploys.get(this.d)!, ended: true });
    await ledger.pool.query(`update lockkeeper._deploys set outcome = 'failed' where id = $1`, [
      real.names.get(this.d),
    ]);
  }
  toString = () => `finish(${this.d})`;
}

class Close implements Command {
  readonly who: Who;
  constructor(it: Who) {
    this.who = it;
  }
  check = (model: Readonly<Model>) => model.deploys.has(this.who.d);
  async run(model: Model, real: Real) {
    const { d } = this.who;
    const token = tokenOf(model, this.who);
    const deploy = model.deploys.get(d)!;
    const closing = closeFence(ledger, real.taskQueue, { deploy: real.names.get(d)!, token }, undefined);
    if (deploy.ended || token < deploy.token) {
      await expect(closing).rejects.toMatchObject({ code: 'FENCED' });
    } else if (model.owner && model.owner.deploy !== d) {
      await expect(closing).rejects.toMatchObject({ code: 'GATE_OWNED_BY_ANOTHER' });
    } else {
      const already = model.state === 'closed' && model.owner?.token === token;
      if (!already) model.generation += 1;
      model.state = 'closed';
      model.owner = { deploy: d, token };
      expect(await closing).toBe(model.generation);
    }
    await compare(model, real);
  }
  toString = () => `close(${this.who.d}, ${this.who.late} late)`;
}

class Open implements Command {
  readonly who: Who;
  constructor(it: Who) {
    this.who = it;
  }
  check = (model: Readonly<Model>) => model.deploys.has(this.who.d);
  async run(model: Model, real: Real) {
    const { d } = this.who;
    const token = tokenOf(model, this.who);
    const opened = await openFence(ledger, real.taskQueue, { deploy: real.names.get(d)!, token });
    const mayOpen = model.owner?.deploy === d && model.owner.token <= token;
    expect(opened !== undefined).toBe(mayOpen);
    if (opened) {
      model.state = 'opening';
      real.opening.push(opened);
      model.opening.push(model.generation);
    }
    await compare(model, real);
  }
  toString = () => `open(${this.who.d}, ${this.who.late} late)`;
}

class Release implements Command {
  readonly which: number;
  constructor(which: number) {
    this.which = which;
  }
  check = (model: Readonly<Model>) => model.opening.length > 0;
  async run(model: Model, real: Real) {
    const at = this.which % real.opening.length;
    await releaseGate(ledger, real.opening[at]!);
    if (model.state === 'opening' && model.opening[at] === model.generation) {
      model.state = 'open';
      model.owner = undefined;
    }
    await compare(model, real);
  }
  toString = () => `release(${this.which})`;
}

class Claim implements Command {
  check = () => true;
  async run(model: Model, real: Real) {
    const { verdict, claim: id } = await claim(ledger, { taskQueue: real.taskQueue });
    expect(verdict).toBe(model.state === 'closed' ? 'gateClosed' : 'claimed');
    if (verdict === 'claimed') model.running.push(id);
  }
  toString = () => 'claim()';
}

class End implements Command {
  readonly which: number;
  readonly how: 'released' | 'fenced' | 'lost';
  constructor(which: number, how: 'released' | 'fenced' | 'lost') {
    this.which = which;
    this.how = how;
  }
  check = (model: Readonly<Model>) => model.running.length > 0;
  async run(model: Model) {
    const [id] = model.running.splice(this.which % model.running.length, 1);
    const { ended, drained } = await endClaim(ledger, id!, this.how, 'the test');
    expect(ended).toBe(true);
    expect(drained !== undefined).toBe(model.state === 'closed' && model.running.length === 0);
    if (drained) expect(drained.generation).toBe(model.generation);
    expect(await endClaim(ledger, id!, this.how, 'again')).toEqual({ ended: false });
  }
  toString = () => `end(${this.which}, ${this.how})`;
}

async function compare(model: Model, real: Real): Promise<void> {
  const gate = await readGate(ledger.pool, ledger.namespace, real.taskQueue);
  const owner = model.owner && { deploy: real.names.get(model.owner.deploy), token: model.owner.token };
  expect(gate).toMatchObject({ state: model.state, generation: model.generation });
  expect(gate?.owner).toEqual(owner);
}

const commands = fc.commands(
  [
    who.d.map((d) => new Grant(d)),
    who.d.map((d) => new Finish(d)),
    fc.record(who).map((it) => new Close(it)),
    fc.record(who).map((it) => new Close(it)),
    fc.record(who).map((it) => new Open(it)),
    fc.record(who).map((it) => new Open(it)),
    fc.nat(3).map((which) => new Release(which)),
    fc.constant(new Claim()),
    fc.tuple(fc.nat(5), fc.constantFrom('released', 'fenced', 'lost')).map(([n, how]) => new End(n, how)),
  ],
  { maxCommands: 40 },
);

test('a gate is closed by one deploy at a time, opened by its owner alone, and drained exactly when nothing runs', async () => {
  await fc.assert(
    fc.asyncProperty(commands, async (all) => {
      const real: Real = { taskQueue: await openQueue(ledger), names: new Map(), opening: [], tokens: 0 };
      const model: Model = {
        state: 'open',
        generation: 0,
        owner: undefined,
        deploys: new Map(),
        running: [],
        opening: [],
      };
      await fc.asyncModelRun(() => ({ model, real }), all);
      // Whoever owns it at last opens it, also after its end: then nothing is left closed.
      if (model.owner) {
        const { deploy, token } = model.owner;
        const opened = await openFence(ledger, real.taskQueue, { deploy: real.names.get(deploy)!, token });
        await releaseGate(ledger, opened!);
      }
      const gate = await readGate(ledger.pool, ledger.namespace, real.taskQueue);
      expect(gate).toMatchObject({ state: 'open', owner: undefined });
    }),
    { numRuns: RUNS },
  );
}, 120_000);
