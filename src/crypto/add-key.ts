import { randomUUID } from 'node:crypto';
import {
  chownSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { LockkeeperError, errorMessage } from '../errors.ts';
import { readKeyFile, readKeyText } from './key-file.ts';
import { generateKey, parseKeyring } from './keyring.ts';

/** For nobody but its owner. */
const MODE = 0o600;

/**
 * Makes a key and writes it in front of the others of a file, so that it is the one that encrypts; the others stay, comments
 * included. A file that is not there is made. In one step: whoever reads it meanwhile finds the file from before.
 * @throws {LockkeeperError} KEYRING_INVALID when the file cannot be used as it is or has such a key, USAGE when it cannot be written
 */
export function addKey(file: string, id: string): void {
  const before = statSync(file, { throwIfNoEntry: false });
  const others = before ? readKeyText(file, '--file') : '';
  if (before && readKeyFile(file, '--file').ids.includes(id))
    throw new LockkeeperError('KEYRING_INVALID', `the key file ${file} has a key ${id} already`, {
      next: 'Give another id with --id',
    });
  const text = `${generateKey(id)}\n${others}`;
  parseKeyring(text, `the key file ${file}`);
  try {
    replace(before ? realpathSync(file) : file, text, before);
  } catch (cause) {
    throw new LockkeeperError('USAGE', `the key file ${file} cannot be written: ${errorMessage(cause)}`, {
      next: 'Nothing was changed; name a file that this user may write',
      cause,
    });
  }
}

function replace(file: string, text: string, before: { mode: number; uid: number; gid: number } | undefined): void {
  const draft = `${file}.${randomUUID()}`;
  try {
    const fd = openSync(draft, 'wx', MODE);
    try {
      if (before) fchmodSync(fd, before.mode & 0o777);
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    // A file that a worker of another user reads stays that user's.
    if (before && before.uid !== process.geteuid?.()) chownSync(draft, before.uid, before.gid);
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
