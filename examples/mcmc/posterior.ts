import { CHALLENGER, LAUNCHES } from './launches.ts';

/** The log-odds of distress at 70 °F, and by how much they change for 10 °F more. */
export type Position = readonly [intercept: number, slope: number];

/** Standard deviation of the normal prior of both, around 0: the odds may change by a factor of 150 for 10 °F. */
export const PRIOR = 2.5;

const tens = (fahrenheit: number) => (fahrenheit - 70) / 10;
const DATA = LAUNCHES.map(({ fahrenheit, distress }) => ({ x: tens(fahrenheit), y: distress }));

export const probability = ([intercept, slope]: Position, fahrenheit: number): number =>
  1 / (1 + Math.exp(-intercept - slope * tens(fahrenheit)));

/** Of the data: Bernoulli, with the logistic link. */
export function logLikelihood([intercept, slope]: Position): number {
  return DATA.reduce((sum, { x, y }) => {
    const logOdds = intercept + slope * x;
    return sum + y * logOdds - Math.log1p(Math.exp(logOdds));
  }, 0);
}

/** Up to a constant. */
export const logPosterior = (at: Position): number => logLikelihood(at) - (at[0] ** 2 + at[1] ** 2) / (2 * PRIOR ** 2);

/** Of {@link logPosterior}. */
export function gradient([intercept, slope]: Position): Position {
  let [byIntercept, bySlope] = [-intercept / PRIOR ** 2, -slope / PRIOR ** 2];
  for (const { x, y } of DATA) {
    const missed = y - 1 / (1 + Math.exp(-intercept - slope * x));
    byIntercept += missed;
    bySlope += missed * x;
  }
  return [byIntercept, bySlope];
}

/** What is asked of each draw. */
export const QUANTITIES = {
  intercept: ([intercept]: Position) => intercept,
  slope: ([, slope]: Position) => slope,
  [`distress at ${CHALLENGER} °F`]: (at: Position) => probability(at, CHALLENGER),
  'distress at 70 °F': (at: Position) => probability(at, 70),
};
