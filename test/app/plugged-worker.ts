// A Worker as its owner starts it: signals are handled by Temporal's runtime, the ledger is the one at DATABASE_URL.
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { lockkeeperPlugin } from '../../src/index.ts';
import { count } from './count-job.ts';

const connection = await NativeConnection.connect({ address: process.env['TEMPORAL_ADDRESS']! });
const worker = await Worker.create({
  connection,
  namespace: process.env['TEMPORAL_NAMESPACE']!,
  taskQueue: 'numbers',
  workflowsPath: fileURLToPath(new URL('greeting-workflows.ts', import.meta.url)),
  activities: { greet: (name: string) => `hello ${name}` },
  plugins: [lockkeeperPlugin({ environment: 'test', jobs: [count] })],
});
await worker.run();
await connection.close();
