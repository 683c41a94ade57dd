import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node, Pair, Scalar } from 'yaml';
import type { Finding, Path, Problem } from './problems.ts';
import { formatPath } from './problems.ts';
import { checkSyntax } from './syntax.ts';
import { substituteVariables } from './variables.ts';

/** The text of a config: its plain value, where each value stands, and how a value may be shown. */
export class Source {
  readonly lines = new LineCounter();
  /** The plain value, variables replaced; an empty file is an empty map. Undefined: the text is not readable as YAML. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  readonly #document: Document;
  readonly #written: ReadonlyMap<Scalar, string>;
  readonly #unresolved: ReadonlySet<Scalar>;

  constructor(text: string, env: NodeJS.ProcessEnv) {
    this.#document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false, logLevel: 'error' });
    const syntax = checkSyntax(this.#document, text);
    const { written, unresolved, problems } = substituteVariables(this.#document, text, env);
    this.#written = written;
    this.#unresolved = unresolved;
    // In a text that is not readable, what looks like a reference may not be one.
    this.problems = syntax.readable ? [...syntax.problems, ...problems] : syntax.problems;
    // Aliases may be used as often as one likes: whoever writes this file names the commands, too.
    this.value = syntax.readable ? (this.#document.toJS({ maxAliasCount: -1 }) ?? {}) : undefined;
  }

  /** Gives findings their place; drops those about a value that could not be made. */
  locate(findings: readonly Finding[]): Problem[] {
    return findings.flatMap(({ path, message, atKey }) => {
      const { node, key } = this.#find(path);
      if (atKey !== true && isScalar(node) && this.#unresolved.has(node)) return [];
      const label = formatPath(atKey === true ? path.slice(0, -1) : path);
      const offset = (atKey === true ? key : node)?.range?.[0] ?? key?.range?.[0] ?? 0;
      return [{ offset, message: label === '' ? message : `\`${label}\`: ${message}` }];
    });
  }

  /** A value as an error may show it: never what a variable held, and no URL, which may hold a password. */
  shown(path: Path): string {
    const { node, depth } = this.#find(path);
    if (depth < path.length) return 'nothing';
    if (isMap(node)) return 'a map';
    if (isSeq(node)) return node.items.length === 0 ? 'an empty list' : 'a list';
    if (!isScalar(node) || node.value === null) return 'nothing';
    const value = this.#written.get(node) ?? node.value;
    if (typeof value !== 'string') return JSON.stringify(value);
    if (value.includes('://')) return 'a URL';
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  }

  /** Whether there is something at the path, be it empty. */
  has(path: Path): boolean {
    return this.#find(path).depth === path.length;
  }

  /** The node at the path, or the last one on the way to it that exists. */
  #find(path: Path): { node: Node | undefined; key: Node | undefined; depth: number } {
    let node = this.#resolved(this.#document.contents);
    let key: Node | undefined;
    for (const [depth, segment] of path.entries()) {
      const pair: Partial<Pair> | undefined = isMap(node)
        ? node.items.findLast((item) => String(item.key) === String(segment))
        : { value: isSeq(node) ? node.items[Number(segment)] : undefined };
      if (!pair || (!isMap(node) && pair.value === undefined)) return { node, key, depth };
      key = pair.key as Node | undefined;
      node = this.#resolved(pair.value);
    }
    return { node, key, depth: path.length };
  }

  #resolved(node: unknown): Node | undefined {
    return ((isAlias(node) ? node.resolve(this.#document) : node) ?? undefined) as Node | undefined;
  }
}
