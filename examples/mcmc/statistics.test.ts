import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { describe, expect, test } from 'vitest';
import { BATCH, QUANTITY_NAMES, advance, begin, hasEnded } from './chain.ts';
import type { Tally } from './chain.ts';
import { diagnose } from './diagnostics.ts';
import { NONE, add, both, variance } from './moments.ts';
import { QUANTITIES, gradient, logLikelihood, logPosterior } from './posterior.ts';
import type { Position } from './posterior.ts';
import { normalPair } from './sampler.ts';

/** Numbers of a seed, each the one before times `rho` and a normal one: what a chain that moves slowly looks like. */
function slowNumbers(seed: number, count: number, rho: number): number[] {
  const random = xoroshiro128plus(seed);
  const numbers: number[] = [];
  for (let x = 0, i = 0; i < count; i += 1) {
    x = rho * x + Math.sqrt(1 - rho ** 2) * normalPair(random)[0];
    numbers.push(x);
  }
  return numbers;
}

function tallied(numbers: readonly number[]): Tally {
  const batches = Array.from({ length: numbers.length / BATCH }, (_, i) => numbers.slice(i * BATCH, (i + 1) * BATCH));
  return {
    draws: numbers.reduce(add, NONE),
    batchMeans: batches.map((batch) => batch.reduce(add, NONE).mean).reduce(add, NONE),
  };
}

const sequences = (rho: number, shift = 0) =>
  [1, 2, 3, 4].map((seed) => tallied(slowNumbers(seed, 50_000, rho).map((x) => x + shift * seed)));

describe('moments', () => {
  const numbers = slowNumbers(7, 1_000, 0);
  const all = numbers.reduce(add, NONE);

  test('are those of the definitions', () => {
    const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
    expect(all.mean).toBeCloseTo(mean, 12);
    expect(variance(all)).toBeCloseTo(numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 999, 12);
  });

  test('of two parts together are those of the whole', () => {
    const parts = [numbers.slice(0, 300), numbers.slice(300)].map((part) => part.reduce(add, NONE));
    const joined = parts.reduce(both, NONE);
    expect(joined.n).toBe(1_000);
    expect(joined.mean).toBeCloseTo(all.mean, 12);
    expect(joined.squares).toBeCloseTo(all.squares, 9);
  });
});

describe('the diagnosis', () => {
  test('of independent draws: R-hat 1, and as many effective draws as draws', () => {
    const { rHat, effectiveSize, mean, sd } = diagnose(sequences(0));
    expect(rHat).toBeCloseTo(1, 3);
    expect(effectiveSize / 200_000).toBeCloseTo(1, 0);
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(sd).toBeCloseTo(1, 1);
  });

  test('of draws that depend on the one before: (1 - rho) / (1 + rho) of them are effective', () => {
    const { effectiveSize } = diagnose(sequences(0.8));
    const truth = 200_000 * (0.2 / 1.8);
    expect(effectiveSize / truth).toBeGreaterThan(0.8);
    expect(effectiveSize / truth).toBeLessThan(1.2);
  });

  test('of chains that sit in different places: R-hat says so, and hardly any draw is effective', () => {
    const { rHat, effectiveSize } = diagnose(sequences(0, 1));
    expect(rHat).toBeGreaterThan(1.4);
    expect(effectiveSize).toBeLessThan(1_000);
  });
});

describe('the posterior', () => {
  test('its data are those of the literature: at the published coefficients the likelihood is highest', () => {
    // 15.0429 - 0.2322 per °F; at 70 °F and per 10 °F.
    const [slope, intercept] = [-2.32163, 15.0429 - 2.32163 * 7];
    const best = logLikelihood([intercept, slope]);
    for (const [a, b] of [
      [0.01, 0],
      [-0.01, 0],
      [0, 0.01],
      [0, -0.01],
    ] as const)
      expect(logLikelihood([intercept + a, slope + b])).toBeLessThan(best);
  });

  test('its gradient is the slope of its logarithm', () => {
    const at: Position = [-0.7, -1.9];
    const h = 1e-6;
    const [byIntercept, bySlope] = gradient(at);
    expect(byIntercept).toBeCloseTo((logPosterior([at[0] + h, at[1]]) - logPosterior([at[0] - h, at[1]])) / (2 * h), 6);
    expect(bySlope).toBeCloseTo((logPosterior([at[0], at[1] + h]) - logPosterior([at[0], at[1] - h])) / (2 * h), 6);
  });

  test('is what the chains draw from: means and deviations are those of adding it up over a grid', () => {
    const chains = [0, 1, 2, 3].map((chain) => {
      const input = { seed: 1986, chain, batches: 40 };
      let state = begin(input);
      while (!hasEnded(state, input)) state = advance(state, input);
      return state;
    });
    for (const name of QUANTITY_NAMES) {
      const found = diagnose(chains.flatMap(({ halves }) => halves.map((half) => half[name])));
      const truth = onGrid(QUANTITIES[name]);
      expect(found.rHat, name).toBeLessThan(1.001);
      expect(Math.abs(found.mean - truth.mean) / found.error, name).toBeLessThan(4);
      expect(found.sd / truth.sd, name).toBeCloseTo(1, 1);
    }
  });
});

/** Mean and deviation by a sum over a fine grid, wide enough that nothing is left outside. */
function onGrid(quantity: (at: Position) => number): { mean: number; sd: number } {
  let [weight, first, second] = [0, 0, 0];
  for (let a = -6; a <= 4; a += 0.02) {
    for (let b = -10; b <= 3; b += 0.02) {
      const w = Math.exp(logPosterior([a, b]));
      const x = quantity([a, b]);
      weight += w;
      first += w * x;
      second += w * x ** 2;
    }
  }
  const mean = first / weight;
  return { mean, sd: Math.sqrt(second / weight - mean ** 2) };
}
