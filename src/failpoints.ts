import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Places between two acts that must both happen, where a fault is worth more than anywhere else. The tests visit each of
 * them. Behind `@` stands what a name is about: a code, a step's state.
 */
export type Failpoint =
  | 'slice.claimed'
  | 'slice.committed'
  | 'slice.saved'
  | 'slice.released'
  | 'slice.completed'
  | 'gate.fenced'
  | 'gate.braked'
  | 'gate.opening'
  | 'gate.unfenced'
  | 'gate.unbraked'
  | 'gate.opened'
  | 'request.accepted'
  | 'turn.given'
  | 'command.ended'
  | 'watch.declared'
  | 'notice.told'
  | `code.writing@${number}`
  | `code.written@${number}`
  | `step.recording@${string}`
  | `step.recorded@${string}`;

/** How long a frozen process stays so: longer than every timeout that tells that it is silent. Seconds. */
const FROZEN_FOR = 20;
/** By then the answer of an activity that has returned has been sent, milliseconds. */
const ANSWERED_AFTER = 100;

/**
 * `LOCKKEEPER_FAILPOINT=<name>:<kill|stop|error>:<file>`: this process dies, freezes or throws at that place, unless the
 * file is there; it is made first, so that this happens once among all processes that are told the same.
 * The package has a file in the place of this one that knows nothing of it, see scripts/build.mjs.
 */
const [target = '', action = '', file = ''] = (process.env['LOCKKEEPER_FAILPOINT'] ?? '').split(':');

/** Does nothing, except in a test that is about this very place. */
export async function failpoint(name: Failpoint): Promise<void> {
  if (name !== target || !isFirst()) return;
  switch (action) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      break;
    case 'stop':
      spawn('sh', ['-c', `sleep ${FROZEN_FOR}; kill -CONT ${process.pid}`], {
        detached: true,
        stdio: 'ignore',
      }).unref();
      process.kill(process.pid, 'SIGSTOP');
      break;
    case 'error':
      // What a connection that breaks at this place would say.
      throw Object.assign(new Error(`failpoint ${name}`), { code: 'ECONNRESET' });
  }
  // A signal to oneself may arrive a moment later; nothing is to be done before it does.
  await delay(ANSWERED_AFTER);
}

/** The same for what comes after an activity has returned. */
export function failpointSoon(name: Failpoint): void {
  if (name === target) setTimeout(() => void failpoint(name), ANSWERED_AFTER);
}

function isFirst(): boolean {
  try {
    closeSync(openSync(file, 'wx'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
