/** A process that starts the servers on the directory it is given, says so, and waits to be killed. */
import { startDev } from '../../src/dev/start.ts';

const { databaseUrl } = await startDev({
  dir: process.argv[2],
  searchAttributes: {},
  durable: false,
  log: (line) => console.error(line),
});
process.on('SIGINT', () => console.log('interrupted'));
console.log(databaseUrl);
