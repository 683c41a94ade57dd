import { visit } from 'yaml';
import type { Document, Scalar } from 'yaml';
import type { Problem } from './problems.ts';

/** `$${` stands for a plain `${`; a reference that is never closed runs to the end. */
const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const INSIDE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([^]*))?$/;

export interface Substituted {
  /** What stood in the file instead of a value that came from variables: the only form that may be shown. */
  readonly written: ReadonlyMap<Scalar, string>;
  /** Values that could not be made; whatever else is wrong with them follows from that. */
  readonly unresolved: ReadonlySet<Scalar>;
  readonly problems: readonly Problem[];
}

/**
 * Replaces `${NAME}` and `${NAME:-default}` in every string value of the document (never in keys). As in a shell, the
 * default also stands in for an empty variable.
 */
export function substituteVariables(document: Document, text: string, env: NodeJS.ProcessEnv): Substituted {
  const written = new Map<Scalar, string>();
  const unresolved = new Set<Scalar>();
  const problems: Problem[] = [];
  visit(document, {
    Scalar(key, node) {
      const before = node.value;
      if (key === 'key' || typeof before !== 'string' || !before.includes('${')) return;
      const [start, end] = node.range ?? [0, 0];
      written.set(node, before);
      node.value = before.replaceAll(REFERENCE, (reference, inside?: string, close?: string) => {
        if (inside === undefined) return '${';
        const found = close === '}' ? valueOf(inside, env) : { problem: 'never ends: a `}` is missing' };
        if ('value' in found) return found.value;
        const at = text.indexOf(reference, start);
        // An escape in a quoted value can make the reference unfindable in the text.
        problems.push({ offset: at >= 0 && at < end ? at : start, message: `\`${reference}\` ${found.problem}` });
        unresolved.add(node);
        return reference;
      });
    },
  });
  return { written, unresolved, problems };
}

function valueOf(inside: string, env: NodeJS.ProcessEnv): { readonly value: string } | { readonly problem: string } {
  const match = INSIDE.exec(inside);
  if (!match) return { problem: 'is not `${NAME}` or `${NAME:-default}`; write `$${` for a plain `${`' };
  const [, name, fallback] = match;
  const value = fallback === undefined ? env[name!] : env[name!] || fallback;
  if (value !== undefined) return { value };
  return {
    problem: `refers to the environment variable ${name}, which is not set; set it or write \`\${${name}:-default}\``,
  };
}
