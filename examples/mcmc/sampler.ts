import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { gradient, logPosterior } from './posterior.ts';
import type { Position } from './posterior.ts';

/** Of the leapfrog integrator; nine of ten proposals are accepted. */
const STEP = 0.4;
/** Steps of a trajectory, at least and at most: of one length, it could come back to where it began. */
const STEPS = [3, 9] as const;

/**
 * One draw by Hamiltonian Monte Carlo: R. Neal, "MCMC using Hamiltonian dynamics", Handbook of Markov Chain Monte Carlo
 * (2011), chapter 5. A proposal that is refused gives the position it came from, the very same array.
 */
export function draw(from: Position, random: RandomGenerator): Position {
  const momentum = normalPair(random);
  const steps = uniformInt(random, ...STEPS);
  const before = energy(from, momentum);
  const [to, after] = leapfrog(from, momentum, steps);
  return uniformFloat64(random) < Math.exp(before - energy(to, after)) ? to : from;
}

const energy = (at: Position, [p, q]: Position) => (p ** 2 + q ** 2) / 2 - logPosterior(at);

function leapfrog(from: Position, momentum: Position, steps: number): [Position, Position] {
  let [a, b] = from;
  let [p, q] = momentum;
  let [da, db] = gradient(from);
  for (let i = 0; i < steps; i += 1) {
    p += (STEP / 2) * da;
    q += (STEP / 2) * db;
    a += STEP * p;
    b += STEP * q;
    [da, db] = gradient([a, b]);
    p += (STEP / 2) * da;
    q += (STEP / 2) * db;
  }
  return [
    [a, b],
    [p, q],
  ];
}

/** Box and Muller's: two at a time, so that none is left over between two draws, and none must be saved. */
export function normalPair(random: RandomGenerator): [number, number] {
  const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(random)));
  const angle = 2 * Math.PI * uniformFloat64(random);
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}
