import { randomUUID } from 'node:crypto';
import { mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LockkeeperError, errorMessage } from '../../errors.ts';
import type { Change } from './changes.ts';

type Undo = () => Promise<void>;

/**
 * Writes every change that has a text, or, when one of them cannot be written, none.
 * @throws {LockkeeperError} USAGE
 */
export async function writeAll(directory: string, changes: readonly Change[]): Promise<void> {
  const undo: Undo[] = [];
  try {
    // All texts first, under other names: a missing right or a full disk shows before anything has changed.
    const drafts: (() => Promise<void>)[] = [];
    for (const { path, text } of changes) {
      if (text !== undefined) drafts.push(await draft(join(directory, path), text, undo));
    }
    for (const putInPlace of drafts) await putInPlace();
  } catch (cause) {
    const left = await takeBack(undo);
    throw new LockkeeperError('USAGE', `the project cannot be written: ${errorMessage(cause)}`, {
      next: left.length === 0 ? 'Nothing was changed' : `And this could not be taken back: ${left.join('; ')}`,
      cause,
    });
  }
}

async function draft(path: string, text: string, undo: Undo[]): Promise<() => Promise<void>> {
  const made = await mkdir(dirname(path), { recursive: true });
  if (made !== undefined) undo.push(() => rm(made, { recursive: true }));
  const there = await stat(path).catch(undefinedIfMissing);
  // What a link points to is changed, and the link stays.
  const file = there ? await realpath(path) : path;
  const name = `${file}.${randomUUID()}`;
  undo.push(() => rm(name, { force: true }));
  await writeFile(name, text, { flag: 'wx', ...(there && { mode: there.mode }) });
  return async () => {
    const before = there && (await readFile(file));
    await rename(name, file);
    undo.push(() => (before === undefined ? rm(file) : writeFile(file, before)));
  };
}

/** Takes back what can be, latest first, and tells what cannot. */
async function takeBack(undo: readonly Undo[]): Promise<string[]> {
  const left: string[] = [];
  for (const act of undo.toReversed()) await act().catch((error: unknown) => left.push(errorMessage(error)));
  return left;
}

function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
