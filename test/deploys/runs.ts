import { expect } from 'vitest';
import { listDeploys } from '../../src/ledger/deploys.ts';
import { eventually } from '../support/eventually.ts';
import { ENVIRONMENT } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';

export interface Run {
  readonly deploy: string;
  readonly from: number;
  readonly to: number;
}

/** When each run began and ended, in the order in which they began, from Temporal alone. */
export async function runsOf(scene: Scene): Promise<Run[]> {
  const found: Run[] = [];
  for await (const run of scene.temporal.client.workflow.list({ query: 'WorkflowType = "deployRun"' })) {
    found.push({
      deploy: run.memo?.['deploy'] as string,
      from: run.startTime.getTime(),
      to: run.closeTime?.getTime() ?? Infinity,
    });
  }
  return found.sort((a, b) => a.from - b.from);
}

/** Resolves when these deploys have succeeded. */
export async function succeeded(scene: Scene, ids: readonly string[], within = 40_000): Promise<void> {
  await eventually(
    async () => {
      const rows = await listDeploys(scene.ledger, ENVIRONMENT, 1_000);
      for (const id of ids) expect(rows.find((row) => row.id === id)?.outcome, id).toBe('succeeded');
    },
    { within, every: 200 },
  );
}
