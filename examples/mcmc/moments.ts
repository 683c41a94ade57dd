/** Of numbers that are not kept: how many, their mean, and the sum of the squares of their distances from it. */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  readonly squares: number;
}

export const NONE: Moments = { n: 0, mean: 0, squares: 0 };

/** With one number more: B. P. Welford, Technometrics 4 (1962), 419-420. */
export function add({ n, mean, squares }: Moments, x: number): Moments {
  const next = mean + (x - mean) / (n + 1);
  return { n: n + 1, mean: next, squares: squares + (x - mean) * (x - next) };
}

/** Of both together: Chan, Golub and LeVeque, The American Statistician 37 (1983), 242-247. */
export function both(a: Moments, b: Moments): Moments {
  if (a.n === 0 || b.n === 0) return a.n === 0 ? b : a;
  const n = a.n + b.n;
  const apart = b.mean - a.mean;
  return { n, mean: a.mean + (apart * b.n) / n, squares: a.squares + b.squares + (apart ** 2 * a.n * b.n) / n };
}

/** Unbiased. */
export const variance = ({ n, squares }: Moments): number => squares / (n - 1);
