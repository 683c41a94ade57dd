import { ownPackage } from './package.ts';

/** Imported first: an older Node fails somewhere in the middle, in words that help nobody. */
const [needed = ''] = /\d[\d.]*/.exec(ownPackage().engines.node) ?? [];
const found = process.versions.node;
if (found.localeCompare(needed, 'en', { numeric: true }) < 0) {
  process.stderr.write(
    `lockkeeper: this is Node ${found}, and ${needed} or newer is needed, which runs TypeScript as it is [USAGE]\n`,
  );
  process.exit(2);
}
