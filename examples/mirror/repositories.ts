import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { git } from './git.ts';

const FIRST_COMMITS = 36;
const MORE_COMMITS = 6;
/** Of each file, bytes that no compression makes fewer. */
const SIZE = [3_000, 9_000] as const;

/** A bare repository with three dozen commits, a branch and a tag every few; the same for the same seed. */
export async function makeRepository(repository: string, seed: number): Promise<void> {
  await mkdir(repository, { recursive: true });
  await git(['init', '--quiet', '--bare', '--initial-branch=main'], { in: repository });
  await history(repository, xoroshiro128plus(seed), 0, FIRST_COMMITS);
}

/** Goes on with it: new commits, a branch that is gone, a tag that has moved. */
export async function changeRepository(repository: string, seed: number): Promise<void> {
  await history(repository, xoroshiro128plus(~seed), FIRST_COMMITS, MORE_COMMITS);
  await git(['update-ref', '-d', 'refs/heads/topic-4'], { in: repository });
  await git(['update-ref', 'refs/tags/moving', 'refs/heads/main'], { in: repository });
}

/** Written for `git fast-import`, which makes in one go what `git commit` would in a minute. */
async function history(repository: string, random: RandomGenerator, from: number, commits: number): Promise<void> {
  const stream: (string | Buffer)[] = [];
  for (let n = from; n < from + commits; n += 1) {
    const who = `Ada <ada@example.org> ${1_700_000_000 + n * 3_600} +0000`;
    const file = randomBytes(random, uniformInt(random, ...SIZE));
    stream.push(
      `commit refs/heads/main\nmark :${n + 1}\ncommitter ${who}\n${data(`commit ${n}`)}\n`,
      n === from && from > 0 ? 'from refs/heads/main^0\n' : '',
      `M 100644 inline file-${n % 12}\ndata ${file.length}\n`,
      file,
      '\n',
    );
    if (n % 4 === 0) stream.push(`reset refs/heads/topic-${n}\nfrom :${n + 1}\n\n`);
    if (n % 6 === 0) stream.push(`tag v${n}\nfrom :${n + 1}\ntagger ${who}\n${data(`version ${n}`)}\n`);
    if (n === 0) stream.push(`reset refs/tags/moving\nfrom :1\n\n`);
  }
  await git(['fast-import', '--quiet'], {
    in: repository,
    input: Buffer.concat(stream.map((part) => Buffer.from(part))),
  });
}

const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}`;

function randomBytes(random: RandomGenerator, size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => uniformInt(random, 0, 255)));
}

export interface MakeOptions {
  readonly count: number;
  readonly seed: number;
}

/** The paths of repositories made in a folder: `00.git`, `01.git`, … */
export async function makeRepositories(folder: string, { count, seed }: MakeOptions): Promise<string[]> {
  const paths = Array.from({ length: count }, (_, n) => path.join(folder, `${String(n).padStart(2, '0')}.git`));
  for (const [n, repository] of paths.entries()) await makeRepository(repository, seed + n);
  return paths;
}
