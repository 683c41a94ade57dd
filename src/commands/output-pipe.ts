import { execFile } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A pipe with both its ends in this process: one to read, and a descriptor to hand to a child and then close. */
export interface OutputPipe {
  reader: Socket;
  writeFd: number;
}

/**
 * Makes a real pipe for a command's output: a named one that loses its name at once. What Node itself calls a pipe is a
 * socket, which cannot be opened by path, so that in a script `echo … > /dev/stderr` and `tee /dev/stderr` would fail.
 *
 * @throws the system's error where none can be made: no `mkfifo`, no temporary folder that can be written.
 */
export async function openPipe(): Promise<OutputPipe> {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-'));
  try {
    const path = join(folder, 'output');
    await promisify(execFile)('mkfifo', ['-m', '600', path]);
    // The reading end first, and not waiting for a writer: only then can the writing end be opened in the same process.
    const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeFd = openSync(path, constants.O_WRONLY);
    return { reader: new Socket({ fd: readFd, readable: true, writable: false }), writeFd };
  } finally {
    await rm(folder, { recursive: true });
  }
}
