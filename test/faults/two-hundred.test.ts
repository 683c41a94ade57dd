import { test } from 'vitest';
import { manyDeploys } from './many-deploys.ts';

test(
  '200 deploys of 20 clients while deploy workers are killed at random: in the order of their approval, one at a time, none lost',
  () => manyDeploys({ deploys: 200, clients: 20, deathEvery: [10, 30], within: 900_000 }),
  1_000_000,
);
