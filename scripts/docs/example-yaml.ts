import type { OptionNode } from './option-tree.ts';

/** Widest line of a comment beside its option. */
const WIDTH = 118;

const HEAD = `# Every option of lockkeeper.yaml. Only \`environment\`, and \`jobs\` or \`queues\`, must be there.
# Paths are relative to this file. Durations: 500ms, 30s, 5m, 2h, 1d, or a number of milliseconds.
# \${NAME} and \${NAME:-default} in a value stand for environment variables; $\${ is a plain \${.
`;

/** All options with what they mean, each text once, as a config that loads. */
export function exampleYaml(options: readonly OptionNode[]): string {
  const told = new Set<string>();
  return [HEAD, ...options.map((option) => optionLines(option, '', told).join('\n') + '\n')].join('\n');
}

/** The lines of an option alone, as its page shows it. */
export const exampleOf = (option: OptionNode): string => optionLines(option, '', undefined).join('\n');

/** `told`: texts that have been said; undefined says none. */
function optionLines(option: OptionNode, indent: string, told: Set<string> | undefined): string[] {
  const { key, doc, inside } = option;
  if (inside.kind === 'nothing' && doc.example === undefined) return [];
  const text = comment(option);
  const silent = told === undefined || told.has(text);
  told?.add(text);
  if (inside.kind === 'nothing') {
    const line = `${indent}${key}: ${doc.example}`;
    if (silent) return [line];
    const beside = `${line} # ${text}`;
    return beside.length <= WIDTH && indent !== '' ? [beside] : [...wrapped(text, indent), line];
  }
  return [...(silent ? [] : wrapped(text, indent)), `${indent}${key}:`, ...insideLines(option, `${indent}  `, told)];
}

function insideLines({ doc, inside }: OptionNode, indent: string, told: Set<string> | undefined): string[] {
  switch (inside.kind) {
    case 'nothing':
      return [];
    case 'options':
      return inside.options.flatMap((option) => optionLines(option, indent, told));
    case 'named': {
      const names = doc.names ?? [];
      const last = inside.options.flatMap((option) => optionLines(option, `${indent}  `, told));
      return names.flatMap((name, i) => [`${indent}${name}:`, ...(i === names.length - 1 ? last : [])]);
    }
    case 'items':
      return itemLines(inside.options, indent, told);
    case 'typed':
      return Object.values(inside.types).flatMap((options, i) => [
        ...(i === 0 || !told ? [] : ['']),
        ...itemLines(options, indent, told),
      ]);
  }
}

/** The first option opens the list's item; what the item is stands above it. */
function itemLines(options: readonly OptionNode[], indent: string, told: Set<string> | undefined): string[] {
  const [first, ...others] = options;
  const item = `${indent}- ${first!.key}: ${first!.doc.example}`;
  return [
    ...(told ? wrapped(comment(first!), indent) : []),
    item,
    ...others.flatMap((option) => optionLines(option, `${indent}  `, told)),
  ];
}

function comment({ doc }: OptionNode): string {
  if (doc.default === undefined) return doc.description;
  return `${doc.description} (default${doc.default === doc.example ? '' : `: ${doc.default}`})`;
}

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${indent}# ${word}`);
  }
  return lines;
}
