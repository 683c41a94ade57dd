/** A worker of plain Temporal: `plain-worker.ts <task queue> <usual|tuned>`. */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import { NativeConnection, Worker } from '@temporalio/worker';
import pg from 'pg';
import { INSERT } from '../items.ts';
import type { Work } from './jobs.ts';

const [taskQueue = '', kind] = process.argv.slice(2);
const db = new pg.Pool({ connectionString: process.env['DATABASE_URL'] });

async function insertItems({ items, everyMs }: Work): Promise<void> {
  const context = Context.current();
  const { workflowExecution } = context.info;
  const place = context.info.heartbeatDetails as number | undefined;
  for (let next = place ?? 0; next < items; next += 1) {
    context.cancellationSignal.throwIfAborted();
    await db.query(INSERT, [workflowExecution!.workflowId, next, process.pid]);
    context.heartbeat(next + 1);
    await delay(everyMs);
  }
}

const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: process.env['TEMPORAL_ADDRESS']! }),
  taskQueue,
  workflowsPath: fileURLToPath(new URL('plain-workflow.ts', import.meta.url)),
  activities: { insertItems },
  ...(kind === 'tuned' && { maxHeartbeatThrottleInterval: '100ms', defaultHeartbeatThrottleInterval: '100ms' }),
});
console.error('worker ready');
await worker.run();
await db.end();
process.exit(0);
