import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { git } from './git.ts';

export interface Mirror {
  /** Path of a repository. */
  readonly source: string;
  /** Where its mirror is, or will be. */
  readonly target: string;
  /** Ends git, wherever it is. */
  readonly stop?: AbortSignal;
}

/**
 * Makes the mirror, or brings it up to date. A mirror that is there is whole: a new one gets its name when it is complete.
 * It may be stopped, killed and begun again anywhere, also while another one is at it.
 *
 * @returns what was done, or undefined when it was stopped
 */
export async function mirror({ source, target, stop }: Mirror): Promise<'cloned' | 'updated' | undefined> {
  try {
    if (existsSync(target)) {
      await update(target, stop);
      return 'updated';
    }
    return await clone(source, target, stop);
  } catch (error) {
    if (stop?.aborted) return undefined;
    throw error;
  }
}

/** Git changes refs all together, when it has everything: one that is killed before that has changed none. */
async function update(target: string, stop: AbortSignal | undefined): Promise<void> {
  const line = uploadPack();
  await git([...(line ? ['-c', `remote.origin.uploadpack=${line}`] : []), 'remote', 'update', '--prune'], {
    in: target,
    ...(stop && { cancelSignal: stop }),
  });
}

async function clone(source: string, target: string, stop: AbortSignal | undefined): Promise<'cloned'> {
  const parts = `${target}.part-`;
  await mkdir(path.dirname(target), { recursive: true });
  // Of somebody who was killed in the middle. His git may still write into it, and then fails; nobody looks there.
  await removeAll(parts);
  const part = `${parts}${randomUUID()}`;
  try {
    const url = pathToFileURL(source).href;
    const line = uploadPack();
    await git(['clone', '--mirror', '--quiet', ...(line ? ['--upload-pack', line] : []), url, part], {
      ...(stop && { cancelSignal: stop }),
    });
    await rename(part, target).catch((error: NodeJS.ErrnoException) => {
      // Somebody else, who believed that we were gone, was faster.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return 'cloned';
  } finally {
    await remove(part);
  }
}

async function removeAll(prefix: string): Promise<void> {
  const folder = path.dirname(prefix);
  const left = (await readdir(folder)).filter((name) => name.startsWith(path.basename(prefix)));
  await Promise.all(left.map((name) => remove(path.join(folder, name))));
}

const remove = (folder: string) => rm(folder, { recursive: true, force: true, maxRetries: 5 });

/** What git calls at the other end; its own `git-upload-pack`, unless the example puts a slow line in its place. */
const uploadPack = () => process.env['MIRROR_LINE'];
