import { visit } from 'yaml';
import type { Document } from 'yaml';
import type { Problem } from './problems.ts';

export interface Syntax {
  readonly problems: readonly Problem[];
  /** Whether the text has a meaning, in spite of the problems. */
  readonly readable: boolean;
}

/** What is wrong with the text as YAML. */
export function checkSyntax(document: Document, text: string): Syntax {
  const [first] = document.errors.filter(({ code }) => !(code in WORDS));
  // One mistake makes the parser stumble again and again: what follows from the first would only hide it.
  const told = document.errors.filter((error) => error === first || error.code in WORDS);
  const found = [...told, ...document.warnings].map(({ code, message, pos }) => ({
    offset: pos[0],
    message: WORDS[code] ?? `not valid YAML: ${message}${quoteHint(text, pos[0])}`,
  }));
  const loose = looseAliases(document);
  const readable = loose.length === 0 && document.errors.every(({ code }) => code === 'DUPLICATE_KEY');
  return { problems: [...found, ...loose], readable };
}

const WORDS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'this option is there twice; keep one',
  MULTIPLE_DOCS: 'a second YAML document begins here; keep one in the file',
};

function looseAliases(document: Document): Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document)) return;
      const message = `the alias *${alias.source} has no anchor &${alias.source} before it`;
      problems.push({ offset: alias.range?.[0] ?? 0, message });
    },
  });
  return problems;
}

/** `{ a: ${B} }` is the one mistake that variables invite. */
function quoteHint(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n', 1)[0]!;
  return /[{[].*\$\{/.test(line) ? '; inside { } and [ ] a ${…} needs quotes around it' : '';
}
