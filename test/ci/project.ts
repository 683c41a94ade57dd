import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shellQuoted } from '../../src/shell.ts';
import { atEnd } from '../support/at-end.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** A checked out project with lockkeeper in its node_modules, and these scripts; removed at the end. */
export function projectWith(scripts: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockkeeper-ci-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const bin = join(folder, 'node_modules/.bin');
  mkdirSync(bin, { recursive: true });
  const lockkeeper = `exec ${shellQuoted(process.execPath)} ${shellQuoted(MAIN)} "$@"`;
  for (const [name, text] of Object.entries({ 'node_modules/.bin/lockkeeper': lockkeeper, ...scripts })) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), `#!/bin/bash\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}
