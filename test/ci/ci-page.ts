import { readPage } from '../docs/pages.ts';

/** The one block of docs/ci.md of this kind: ```` ```sh by-signals ````. */
export function blockOfPage(lang: string, name: string): string {
  const blocks = readPage('docs/ci.md').blocks.filter((block) => block.lang === lang && block.name === name);
  if (blocks.length !== 1) throw new Error(`docs/ci.md has ${blocks.length} blocks \`\`\`${lang} ${name}`);
  return blocks[0]!.text;
}
