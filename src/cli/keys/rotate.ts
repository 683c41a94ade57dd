import { Command } from 'commander';
import { startRotation } from '../../client/rotate-keys.ts';
import { LockkeeperError } from '../../errors.ts';
import { keysInUse } from '../../ledger/keys.ts';
import type { KeyInUse } from '../../ledger/keys.ts';
import { withJobs } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { JobEnd } from '../json/jobs.ts';
import { printLineAs } from '../json/print.ts';
import { follow } from '../job/follow.ts';
import type { FollowOptions } from '../until-end.ts';
import { exits, jsonOption, timeoutOption, withExample } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import { tell } from '../terminal.ts';

/** Encrypts everything in the ledger by the first key of the keyring, so that the others can be left out. */
export function keysRotate(options: FollowOptions): Promise<number> {
  return withJobs(async ({ jobs, ledger, keyring }) => {
    if (!keyring) throw noKeys();
    const { current } = keyring;
    const rotation = await startRotation(jobs, ledger, keyring);
    if (!rotation) {
      if (options.json)
        printLineAs(JobEnd, {
          id: `rotate-keys-to-${current.id}`,
          state: 'done',
          result: { resealed: 0, unreadable: 0 },
        });
      else tell(`everything in the ledger is encrypted by ${current.id} already`);
      return EXIT.ok;
    }
    tell(`job ${rotation.id} encrypts the ledger by ${current.id}`);
    const code = await follow(jobs, rotation, options, stopOnSignals());
    if (code === EXIT.ok) tell(whatIsLeft(current.id, await keysInUse(ledger)));
    return code;
  });
}

const noKeys = () =>
  new LockkeeperError('KEYRING_MISSING', 'there are no keys here, so nothing can be encrypted anew', {
    next: 'Set LOCKKEEPER_KEY_FILE or LOCKKEEPER_KEYS, with the new key first and the old one behind it',
  });

export function whatIsLeft(to: string, used: readonly KeyInUse[]): string {
  const left = used
    .filter(({ keyId }) => keyId !== to)
    .map(
      ({ keyId, checkpoints, texts }) =>
        `${keyId === 'none' ? 'no key' : keyId} (${checkpoints} saved states, ${texts} texts)`,
    );
  if (left.length === 0)
    return `everything in the ledger is encrypted by ${to}: other keys are needed only for what Temporal keeps of workflows`;
  return `still encrypted by others: ${left.join(', ')}. Start every worker with ${to} first, then rotate again`;
}

export function keysRotateCommand(): Command {
  const command = new Command('rotate')
    .description('encrypt everything in the ledger by the first key of the keyring, while jobs run')
    .addOption(timeoutOption())
    .addOption(jsonOption())
    .action(exits(keysRotate));
  return withExample(command, 'lockkeeper keys rotate');
}
