import { z } from 'zod';
import { Deploy, Live, deployJson } from './deploys.ts';
import { Freeze } from './order.ts';
import type { Jsonable } from './print.ts';
import { named, time } from './shape.ts';
import type { JsonOutput } from './shape.ts';
import type { Board as BoardOf } from '../board/screen.ts';

export const Gate = named('Gate', 'The gate of a task queue, as the ledger has it.', {
  taskQueue: z.string(),
  state: z.enum(['open', 'closed', 'opening']),
  deploy: z.string().nullable().describe('whose gate it is while it is not open'),
  since: time('when it was last closed or opened'),
  runningSlices: z.number(),
  fencedNotStopped: z.number().describe('slices whose work no longer counts, but that have not said that they stopped'),
});

export const Board = named('Board', 'Everything of an environment.', {
  environment: z.string(),
  freeze: Freeze.describe('absent: nothing freezes deploys').optional(),
  deploys: z
    .array(z.object({ deploy: Deploy, live: Live.describe('absent: it neither runs nor waits').optional() }))
    .describe('without an outcome, in the order in which they run'),
  gates: z.array(Gate),
  jobs: z
    .array(
      z.object({
        workflowId: z.string(),
        name: z.string(),
        taskQueue: z.string(),
        state: z.string(),
        seq: z.number().describe('its last checkpoint'),
        progress: z.object({ done: z.number().optional(), total: z.number().optional() }),
        note: z.string().nullable(),
        gateClosedBy: z.string().nullable().describe('the deploy behind whose closed gate it waits'),
      }),
    )
    .describe('begun and not ended; those that wait for a person first'),
  jobsTotal: z.number().describe('also those that are not listed'),
  builds: z
    .array(
      z.object({
        kind: z.enum(['worker', 'deploy-worker']),
        buildId: z.string(),
        workers: z.number(),
        stopping: z.number().describe('of these, how many have begun to stop'),
        taskQueues: z.array(z.string()),
      }),
    )
    .describe('workers alive'),
});

export const boardJson = (board: BoardOf): Jsonable<z.input<typeof Board>> => ({
  ...board,
  deploys: board.deploys.map(({ row, live }) => ({ deploy: deployJson(row), live })),
});

const at = time('when it was seen');
export const BoardLine = z
  .discriminatedUnion('event', [
    z.object({ event: z.literal('board'), at, board: Board }),
    z.object({
      event: z.literal('away'),
      at,
      what: z.enum(['ledger', 'temporal']).describe('what does not answer; the board is then the last one'),
      reason: z.string(),
    }),
    z.object({ event: z.literal('back'), at, what: z.enum(['ledger', 'temporal']) }),
  ])
  .meta({ id: 'BoardLine', description: 'A line of `board --watch`.' });

export const BOARD_OUTPUTS: readonly JsonOutput[] = [
  { command: 'board', form: 'one', says: 'The board.', schema: Board },
  { command: 'board --watch', form: 'lines', says: 'The board whenever it has changed.', schema: BoardLine },
];
