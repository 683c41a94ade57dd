import { BATCH } from './chain.ts';
import type { Tally } from './chain.ts';
import { NONE, add, both, variance } from './moments.ts';

export interface Diagnosis {
  readonly mean: number;
  readonly sd: number;
  /** Standard error of the mean, by the effective sample size. */
  readonly error: number;
  /** 1 when the chains cannot be told apart. */
  readonly rHat: number;
  readonly effectiveSize: number;
}

/** Of one quantity, from the two halves of every chain. */
export function diagnose(halves: readonly Tally[]): Diagnosis {
  const all = halves.map((half) => half.draws).reduce(both, NONE);
  const sd = Math.sqrt(variance(all));
  const size = effectiveSize(halves);
  return { mean: all.mean, sd, error: sd / Math.sqrt(size), rHat: rHat(halves), effectiveSize: size };
}

/**
 * Split-R̂ of sequences of equal length: the variance of all draws, estimated from within and between the sequences, over
 * that within. Gelman, Carlin, Stern, Dunson, Vehtari and Rubin, Bayesian Data Analysis, third edition (2013), section 11.4.
 */
export function rHat(sequences: readonly Tally[]): number {
  const { n } = sequences[0]!.draws;
  const within = sequences.reduce((sum, { draws }) => sum + variance(draws), 0) / sequences.length;
  const means = sequences.map(({ draws }) => draws.mean).reduce(add, NONE);
  return Math.sqrt((n - 1) / n + variance(means) / within);
}

/**
 * Effective sample size by batch means, with the batches of all sequences together: the draws, times their variance, over
 * that which the means of batches would have if each draw were independent. Flegal, Haran and Jones, "Markov Chain Monte
 * Carlo: Can We Trust the Third Significant Figure?", Statistical Science 23 (2008), 250-260; replicated, by Argon and
 * Andradóttir, Naval Research Logistics 53 (2006), 508-527.
 */
export function effectiveSize(sequences: readonly Tally[]): number {
  const draws = sequences.map((one) => one.draws).reduce(both, NONE);
  const batchMeans = sequences.map((one) => one.batchMeans).reduce(both, NONE);
  return (draws.n * variance(draws)) / (BATCH * variance(batchMeans));
}
