/** A process that is responsible for a command and that a test kills or freezes: `node holder.ts <json>`. */
import { writeFileSync } from 'node:fs';
import { runGuarded } from '../../src/commands/run-command.ts';

export interface Held {
  argv: [string, ...string[]];
  env: Record<string, string>;
  killAfterMs: number;
  silentForMs?: number;
  /** Where the record goes, before the command begins. */
  recordIn: string;
}

const held = JSON.parse(process.argv[2] ?? '') as Held;
await runGuarded({
  argv: held.argv,
  env: held.env,
  killAfterMs: held.killAfterMs,
  ...(held.silentForMs !== undefined && { silentForMs: held.silentForMs }),
  onStarted: (record) => writeFileSync(held.recordIn, JSON.stringify(record)),
});
