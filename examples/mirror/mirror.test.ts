import { mkdtemp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { everyInterruption } from 'lockkeeper/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../test/support/eventually.ts';
import { git, refsOf } from './git.ts';
import { listRepositories, mirrorRepository, writeReport } from './jobs.ts';
import { mirror } from './mirror.ts';
import { changeRepository, makeRepositories } from './repositories.ts';

let folder: string;
let from: string;
let to: string;
let source: string;
let target: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-mirror-'));
  from = path.join(folder, 'from');
  to = path.join(folder, 'to');
  await mkdir(to);
  source = (await makeRepositories(from, { count: 1, seed: 7 }))[0]!;
  target = path.join(to, path.basename(source));
});
afterEach(async () => {
  delete process.env['MIRROR_LINE'];
  await rm(folder, { recursive: true });
});

const expectMirrored = async () => {
  expect(await refsOf(target)).toBe(await refsOf(source));
  await git(['fsck', '--full', '--strict'], { in: target });
  expect(await readdir(to)).toEqual([path.basename(target)]);
};

/** From here on a clone takes long enough for something to happen in its middle. */
function overTheSlowLine(): void {
  process.env['MIRROR_LINE'] = `'${process.execPath}' '${fileURLToPath(new URL('slow-line.ts', import.meta.url))}'`;
}

/** Resolves when a clone is in the middle. */
const whileCloning = () => eventually(async () => expect((await readdir(to)).join()).toContain('.part-'));

test('a repository is made of commits, branches and tags, the same for the same seed', async () => {
  const refs = await refsOf(source);
  expect(refs.match(/refs\/heads\//g)).toHaveLength(10);
  expect(refs.match(/refs\/tags\//g)).toHaveLength(7);
  expect(await git(['rev-list', '--count', '--all'], { in: source })).toBe('36');
  const [again] = await makeRepositories(path.join(folder, 'again'), { count: 1, seed: 7 });
  expect(await refsOf(again!)).toBe(refs);
});

test('a mirror is cloned, and later updated: new commits, a branch that is gone, a tag that has moved', async () => {
  expect(await mirror({ source, target })).toBe('cloned');
  await expectMirrored();
  const before = await refsOf(source);
  await changeRepository(source, 7);
  expect(await refsOf(source)).not.toBe(before);
  expect(await mirror({ source, target })).toBe('updated');
  await expectMirrored();
  expect(await refsOf(target)).not.toContain('topic-4 ');
});

test('a clone that is stopped leaves nothing behind, and the next one is whole', async () => {
  overTheSlowLine();
  const stop = new AbortController();
  const stopped = mirror({ source, target, stop: stop.signal });
  await whileCloning();
  stop.abort();
  expect(await stopped).toBeUndefined();
  expect(await readdir(to)).toEqual([]);
  delete process.env['MIRROR_LINE'];
  expect(await mirror({ source, target })).toBe('cloned');
  await expectMirrored();
});

test('what a clone that was killed has left is removed by the next one', async () => {
  await mkdir(`${target}.part-killed/objects`, { recursive: true });
  await writeFile(`${target}.part-killed/HEAD`, 'ref: refs/heads/main');
  expect(await mirror({ source, target })).toBe('cloned');
  await expectMirrored();
});

test('somebody who wakes up when another has made the mirror lets it be', async () => {
  overTheSlowLine();
  const asleep = mirror({ source, target });
  await whileCloning();
  // As the other one would have left it.
  delete process.env['MIRROR_LINE'];
  await git(['clone', '--mirror', '--quiet', source, target]);
  expect(await asleep).toBe('cloned');
  await expectMirrored();
});

test('an update that is stopped leaves the mirror as it was, or as it will be', async () => {
  await mirror({ source, target });
  await changeRepository(source, 7);
  overTheSlowLine();
  expect(await mirror({ source, target, stop: AbortSignal.timeout(200) })).toBeUndefined();
  await git(['fsck', '--full', '--strict'], { in: target });
  expect(await mirror({ source, target })).toBe('updated');
  await expectMirrored();
});

test('a source that is not there is an error in the words of git', async () => {
  await expect(mirror({ source: path.join(from, 'none.git'), target })).rejects.toThrow(/does not appear to be a git/);
  expect(await readdir(to)).toEqual([]);
});

test('whatever a deploy or a crash hits, the list and the report are the same', async () => {
  await everyInterruption(listRepositories, { from, to });
  const listed = [
    { repository: 'a', refs: 3 },
    { repository: 'b', refs: 4 },
  ];
  const mirrored = [{ repository: 'a', refs: 3, done: 'updated' as const }];
  const { checkpoints } = await everyInterruption(writeReport, { listed, mirrored, to });
  expect(checkpoints).toBe(1);
});

test('whether a deploy hits it or a crash, the job has the mirror made, once and whole', async () => {
  const input = { repository: path.basename(source), from, to };
  const checked = await everyInterruption(mirrorRepository, input, {
    reset: () => rm(target, { recursive: true, force: true }),
    // After a crash at its end there is a mirror already: updated, not cloned.
    outcome: async ({ result }) => {
      await expectMirrored();
      return result?.refs;
    },
  });
  expect(checked).toEqual({ checkpoints: 0, runs: 3 });
});
