import { readFile, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

interface Link {
  /** What it points to, and the link itself; both from the package's directory, and in the same folder. */
  readonly source: string;
  readonly target: string;
}

/**
 * Makes the symbolic links among Postgres' libraries, without which it does not start. A package cannot hold links, so an
 * install script makes them, and pnpm, careful people and soon npm do not run such scripts.
 */
export async function ensureLinks(packageDir: string): Promise<void> {
  const list = await readFile(join(packageDir, 'native', 'pg-symlinks.json'), 'utf8').catch(unless('ENOENT'));
  // Not every platform has some.
  const links = JSON.parse(list ?? '[]') as readonly Link[];
  for (const { source, target } of links)
    await symlink(basename(source), join(packageDir, target)).catch(unless('EEXIST'));
}

const unless = (code: string) => (error: NodeJS.ErrnoException) => {
  if (error.code !== code) throw error;
  return undefined;
};
