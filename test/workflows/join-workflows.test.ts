import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { bundle } from '../../src/workers/workflow-bundle.ts';
import { atEnd } from '../support/at-end.ts';
import { quietLog } from '../support/quiet-log.ts';

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(path.join(tmpdir(), 'lockkeeper-join-'))));
atEnd(() => rm(dir, { recursive: true }));

/** A file of workflows, written as somebody's build may have left it. */
async function workflows(file: string, text: string): Promise<string> {
  const full = path.join(dir, file);
  await mkdir(path.dirname(full), { recursive: true });
  await writeFile(full, text);
  return full;
}

test.each([
  ['a module', 'esm.mjs', 'export async function mine() { return "joined"; }'],
  ['CommonJS', 'cjs.cjs', 'exports.mine = async function mine() { return "joined"; }'],
  ['TypeScript', 'ts.ts', 'export async function mine(): Promise<string> { return "joined"; }'],
])('workflows written as %s are joined with those of lockkeeper', async (_, file, text) => {
  const { code } = await bundle(quietLog, await workflows(file, text));
  expect(code).toContain('"joined"');
  expect(code).toContain('async function deployCoordinator(');
});

test('a folder of workflows is as good as a file, and nothing is written into it', async () => {
  const file = await workflows('folder/index.ts', 'export async function mine() { return "joined"; }');
  const { code } = await bundle(quietLog, path.dirname(file));
  expect(code).toContain('"joined"');
  expect(await readdir(path.dirname(file))).toEqual(['index.ts']);
});

test.each([
  ['a module', 'same.mjs', 'export async function deployRun() {}'],
  [
    'CommonJS',
    'same.cjs',
    'Object.defineProperty(exports, "__esModule", { value: true });\nexports.deployRun = async () => {};',
  ],
])("a workflow of %s with the name of one of lockkeeper's is refused", async (_, file, text) => {
  await expect(bundle(quietLog, await workflows(file, text))).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('the workflows export `deployRun`') as string,
  });
});
