/**
 * What a CI job would do to deploy: stop the workers of the old version, start those of the new one.
 * `node replace-workers.ts <version> <count>`; where and of which config, the environment says.
 */
import { WorkerProcesses } from './worker-processes.ts';

const [version = 'v1', count = '2'] = process.argv.slice(2);
const workers = new WorkerProcesses(process.env);

await Promise.all(
  workers.all().map(async (worker) => {
    await workers.stop(worker);
    console.log(`stopped ${worker.name}`);
  }),
);
await Promise.all(
  Array.from({ length: Number(count) }, async () => console.log(`started ${await workers.start(version)}`)),
);
