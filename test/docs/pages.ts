import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Code, Heading, InlineCode, Root, TableRow } from 'mdast';
import { toString } from 'mdast-util-to-string';
import { remark } from 'remark';
import remarkGfm from 'remark-gfm';
import { visit } from 'unist-util-visit';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** A fenced block of a page. */
export interface Block {
  /** From the project's folder, with the line of its first word: `docs/limits.md:12`. */
  readonly at: string;
  readonly line: number;
  /** The first word behind the fence. */
  readonly lang: string | undefined;
  /** The second: a file's name, so that other blocks may import it, or a kind. */
  readonly name: string | undefined;
  readonly text: string;
}

export interface Page {
  /** Absolute path. */
  readonly file: string;
  /** The file's name without its ending. */
  readonly name: string;
  readonly blocks: readonly Block[];
  /** Pieces of code inside of a text, with the place where each stands. */
  readonly words: readonly { readonly at: string; readonly text: string }[];
  readonly rows: readonly { readonly at: string; readonly row: TableRow }[];
  readonly headings: readonly string[];
}

/** Every page that users read. */
export const PAGES = [
  'README.md',
  'bench/README.md',
  ...readdirSync(join(PROJECT, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
  ...readdirSync(join(PROJECT, 'examples'))
    .map((example) => `examples/${example}/README.md`)
    .filter((file) => existsSync(join(PROJECT, file))),
];

export function readPage(path: string): Page {
  const file = join(PROJECT, path);
  const tree: Root = remark().use(remarkGfm).parse(readFileSync(file, 'utf8'));
  const at = (line: number) => `${relative(PROJECT, file)}:${line}`;
  const blocks: Block[] = [];
  const words: { at: string; text: string }[] = [];
  const rows: { at: string; row: TableRow }[] = [];
  const headings: string[] = [];
  visit(tree, 'heading', (node: Heading) => void headings.push(toString(node)));
  visit(tree, 'code', (node: Code) => {
    const line = node.position!.start.line;
    blocks.push({
      at: at(line),
      line,
      lang: node.lang ?? undefined,
      name: node.meta ?? undefined,
      text: node.value,
    });
  });
  visit(tree, 'inlineCode', (node: InlineCode) => {
    words.push({ at: at(node.position!.start.line), text: node.value });
  });
  visit(tree, 'tableRow', (row: TableRow) => {
    rows.push({ at: at(row.position!.start.line), row });
  });
  return { file, name: basename(file, '.md'), blocks, words, rows, headings };
}
