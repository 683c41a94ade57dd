import { eventually } from '../support/eventually.ts';
import type { Place } from './place.ts';
import { WITHIN } from './place.ts';

/** When in a deploy a fault happens: as soon as the ledger says so. */
export const PHASES = {
  'the lock is granted': { plan: 'default', when: 'd.code >= 300' },
  'the gates are closed': { plan: 'default', when: 'd.code >= 400' },
  'everything is drained': { plan: 'default', when: 'd.code >= 500' },
  'a command runs': { plan: 'default', when: `d.code >= 500 and s.state <> 'pending'` },
  'a command is rolled back': { plan: 'failing', when: `s.state in ('compensating', 'compensated')` },
  'all steps are done': { plan: 'default', when: 'd.code >= 700' },
} as const;
export type Phase = keyof typeof PHASES;
export const ALL_PHASES = Object.keys(PHASES) as Phase[];

/** Asks for a deploy, and returns at that phase of it. */
export async function deployUntil(place: Place, id: string, phase: Phase): Promise<void> {
  const { plan, when } = PHASES[phase];
  await place.request(id, plan);
  await eventually(
    async () => {
      const found = await place.rows(
        `select from lockkeeper.deploys d join lockkeeper.deploy_steps s on s.deploy = d.id where d.id = $1 and ${when}`,
        [id],
      );
      if (found.length === 0) throw new Error(`deploy ${id} has not come to the phase: ${phase}`);
    },
    { within: WITHIN, every: 5 },
  );
}
