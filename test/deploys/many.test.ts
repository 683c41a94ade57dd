import { test } from 'vitest';
import { manyDeploys } from '../faults/many-deploys.ts';

test(
  '30 deploys of 6 clients while deploy workers are killed: in the order of their approval, one at a time, none lost',
  () => manyDeploys({ deploys: 30, clients: 6, deathEvery: [6, 12], within: 120_000 }),
  180_000,
);
