import { constants } from 'node:os';
import { OneMachine } from './one-machine.ts';
import type { OneMachineOptions } from './one-machine.ts';

/**
 * Starts the machine, tells the example's story on it, and stops it, also at Ctrl-C. Resolves with the exit code: 0 when the
 * story says that all is well.
 */
export async function onOneMachine(
  options: OneMachineOptions,
  story: (machine: OneMachine) => Promise<boolean>,
): Promise<number> {
  const machine = await OneMachine.start(options);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // What the story still waits for will not come.
    process.once(signal, () => void machine.stop().finally(() => process.exit(128 + constants.signals[signal])));
  }
  try {
    return (await story(machine)) ? 0 : 1;
  } finally {
    await machine.stop();
  }
}
