import { createHash } from 'node:crypto';
import { xoroshiro128plus, xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import { NONE, add } from './moments.ts';
import type { Moments } from './moments.ts';
import { PRIOR, QUANTITIES } from './posterior.ts';
import type { Position } from './posterior.ts';
import { draw, normalPair } from './sampler.ts';

/** Draws between two checkpoints. */
export const BATCH = 500;
/** Batches that are thrown away, until the chain has forgotten where it began. */
export const WARM_UP = 2;

export interface ChainInput {
  readonly seed: number;
  /** Chains of one seed are different parts of one sequence, far from each other. */
  readonly chain: number;
  /** To be kept; an even number, because the two halves are compared. */
  readonly batches: number;
}

/** What is kept of one quantity. */
export interface Tally {
  readonly draws: Moments;
  /** Of the means of batches: how much these vary tells how many independent draws there are. */
  readonly batchMeans: Moments;
}

export type Tallies = Readonly<Record<keyof typeof QUANTITIES, Tally>>;

/** Everything that a chain needs to go on, exactly as if nothing had happened: plain values, about 2 KB of JSON. */
export interface ChainState {
  /** Done, with those of the warm-up. */
  readonly batches: number;
  readonly accepted: number;
  readonly position: Position;
  /** State of the random generator. */
  readonly random: readonly number[];
  /** Of the first and of the second half of the draws. */
  readonly halves: readonly [Tallies, Tallies];
  /** SHA-256 over the digest before and the draws of the last batch, and so over all draws. */
  readonly digest: string;
}

/** A chain that has drawn nothing yet, somewhere within the prior. */
export function begin({ seed, chain }: ChainInput): ChainState {
  const random = xoroshiro128plus(seed);
  // Each jump is as far as 2^64 draws.
  for (let i = 0; i <= chain; i += 1) random.jump();
  const [a, b] = normalPair(random);
  return {
    batches: 0,
    accepted: 0,
    position: [PRIOR * a, PRIOR * b],
    random: random.getState(),
    halves: [NOTHING, NOTHING],
    digest: '',
  };
}

export const hasEnded = (state: ChainState, input: ChainInput) => state.batches >= WARM_UP + input.batches;

/** The same chain, one batch further. */
export function advance(state: ChainState, input: ChainInput): ChainState {
  const random = xoroshiro128plusFromState(state.random);
  const draws: Position[] = [];
  let { position, accepted } = state;
  for (let i = 0; i < BATCH; i += 1) {
    const next = draw(position, random);
    if (next !== position) accepted += 1;
    position = next;
    draws.push(position);
  }
  const bytes = new Uint8Array(Float64Array.from(draws.flat()).buffer);
  return {
    batches: state.batches + 1,
    accepted,
    position,
    random: random.getState(),
    halves: state.batches < WARM_UP ? state.halves : tally(state, input, draws),
    digest: createHash('sha256').update(state.digest).update(bytes).digest('hex'),
  };
}

function tally({ halves, batches }: ChainState, input: ChainInput, draws: readonly Position[]): [Tallies, Tallies] {
  const [first, second] = halves;
  const isFirst = batches - WARM_UP < input.batches / 2;
  const added = everyQuantity((name) => {
    const { draws: before, batchMeans } = (isFirst ? first : second)[name];
    const values = draws.map(QUANTITIES[name]);
    const batch = values.reduce(add, NONE);
    return { draws: values.reduce(add, before), batchMeans: add(batchMeans, batch.mean) };
  });
  return isFirst ? [added, second] : [first, added];
}

export const QUANTITY_NAMES = Object.keys(QUANTITIES) as (keyof typeof QUANTITIES)[];

const everyQuantity = (of: (name: keyof typeof QUANTITIES) => Tally): Tallies =>
  Object.fromEntries(QUANTITY_NAMES.map((name) => [name, of(name)])) as Tallies;

const NOTHING = everyQuantity(() => ({ draws: NONE, batchMeans: NONE }));
