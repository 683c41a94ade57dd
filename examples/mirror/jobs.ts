import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { defineJob } from 'lockkeeper';
import type { Job } from 'lockkeeper';
import { refsOf } from './git.ts';
import { mirror } from './mirror.ts';

const taskQueue = 'mirrors';

/** Folders on this machine: where the repositories are, and where their mirrors go. */
export interface Places {
  readonly from: string;
  readonly to: string;
}

export interface Listed {
  readonly repository: string;
  readonly refs: number;
}

export interface Mirrored extends Listed {
  readonly done: 'cloned' | 'updated';
}

const countRefs = async (repository: string) => (await refsOf(repository)).split('\n').length;

/** Which repositories there are, and how many refs each has. */
export const listRepositories = defineJob({
  name: 'listRepositories',
  taskQueue,
  async *run(_, { from }: Places) {
    const listed: Listed[] = [];
    for (const repository of await readdir(from)) {
      yield;
      listed.push({ repository, refs: await countRefs(path.join(from, repository)) });
    }
    return listed;
  },
});

/** Mirrors one repository. It has no state: an interrupted one begins again, and what is complete stays. */
export const mirrorRepository = defineJob({
  name: 'mirrorRepository',
  taskQueue,
  async *run(job, { repository, from, to }: Places & { readonly repository: string }) {
    const target = path.join(to, repository);
    for (;;) {
      job.log.info({ repository }, 'mirror begins');
      const done = await mirror({ source: path.join(from, repository), target, stop: stopOf(job) });
      if (done) return { repository, done, refs: await countRefs(target) };
      // Git has been ended and its half of a mirror is gone. Here the job steps aside.
      yield;
    }
  },
});

/** A clone may take hours: neither a deploy nor somebody who cancels waits for it. */
const stopOf = (job: Pick<Job<unknown>, 'stopping' | 'cancellationSignal'>) =>
  AbortSignal.any([job.stopping, job.cancellationSignal]);

/** Writes what was mirrored beside the mirrors. */
export const writeReport = defineJob({
  name: 'writeReport',
  taskQueue,
  async *run(_, { listed, mirrored, to }: { listed: Listed[]; mirrored: Mirrored[]; to: string }) {
    yield;
    const missing = listed.filter(({ repository }) => !mirrored.some((one) => one.repository === repository));
    await writeFile(path.join(to, 'report.json'), JSON.stringify({ mirrored, missing }, undefined, 2));
    const count = (what: Mirrored['done']) => mirrored.filter(({ done }) => done === what).length;
    return { cloned: count('cloned'), updated: count('updated'), missing: missing.length };
  },
});
