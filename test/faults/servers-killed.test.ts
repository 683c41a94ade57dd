import { test } from 'vitest';
import { inEachPhase } from './in-each-phase.ts';
import { FAULTS } from './server-faults.ts';

test.each(FAULTS.filter(({ what }) => !/all|everything/.test(what)))(
  '$what in each phase of a deploy: every deploy ends, and nothing is lost, done twice, or left closed',
  (fault) => inEachPhase(fault),
  400_000,
);
