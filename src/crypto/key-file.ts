import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { LockkeeperError } from '../errors.ts';
import { parseKeyring } from './keyring.ts';
import type { Keyring } from './keyring.ts';

/** Far more than anybody has keys. */
const LARGEST = 64 * 1024;

/** The permissions nobody but the owner has, and those that a file of root may not give to others. */
const OTHERS = 0o077;
const OTHERS_THAN_THE_GROUP = 0o037;

/**
 * The keys of a file. As Postgres wants it of `server.key`: of this user and for nobody else (0600), or of root and at most
 * for its group to read (0640), as Kubernetes mounts a secret. On Windows permissions are not looked at.
 * @throws {LockkeeperError} KEYRING_INVALID, without anything of a secret in it
 */
export function readKeyFile(file: string, source: string): Keyring {
  return parseKeyring(readKeyText(file, source), `the key file ${file}`);
}

/** What stands in it, comments included; nothing to be shown. @throws {LockkeeperError} KEYRING_INVALID */
export function readKeyText(file: string, source: string): string {
  const fd = open(file, source);
  try {
    refuse(file, fstatSync(fd));
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function open(file: string, source: string): number {
  try {
    // A pipe that nobody writes to would be waited for.
    return openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw invalid(
        `the key file ${file} (${source}) is not there`,
        'Correct the path, or make one: `lockkeeper keys generate --file <file>`',
        cause,
      );
    if (code === 'EACCES')
      throw invalid(
        `the key file ${file} (${source}) may not be read by ${user()}`,
        'Give it to the user that runs this: `chown`',
        cause,
      );
    throw invalid(
      `the key file ${file} (${source}) cannot be opened: ${code ?? 'unknown'}`,
      'It must be a file that this user may read',
      cause,
    );
  }
}

function refuse(file: string, stats: Stats): void {
  if (!stats.isFile()) throw invalid(`the key file ${file} is not a regular file`, 'Name the file that holds the keys');
  const wrong = process.platform === 'win32' ? undefined : tooOpen(stats);
  if (wrong) throw invalid(`the key file ${file} ${wrong}`, `Type \`chmod 600 ${file}\``);
  if (stats.size > LARGEST) throw invalid(`the key file ${file} has ${stats.size} bytes, which are not keys`, HOW);
}

/** What is wrong with its permissions, if anything. */
function tooOpen({ uid, mode }: Stats): string | undefined {
  const bits = (mode & 0o777).toString(8).padStart(4, '0');
  if (uid === 0)
    return mode & OTHERS_THAN_THE_GROUP ? `is open to others (${bits}); of root it may have 0640 at most` : undefined;
  if (uid !== process.geteuid?.()) return `belongs to user ${uid}, and neither to ${user()} nor to root`;
  return mode & OTHERS ? `is open to others (${bits}), 0600 is expected` : undefined;
}

const user = () => `user ${process.geteuid?.() ?? 'unknown'}`;

const HOW = 'Write `<id>:<32 bytes in base64>`, as `lockkeeper keys generate` does';

const invalid = (what: string, next: string, cause?: unknown) =>
  new LockkeeperError('KEYRING_INVALID', what, { next, cause });
