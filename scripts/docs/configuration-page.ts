import { CONNECTING } from './connecting.ts';
import { exampleOf, exampleYaml } from './example-yaml.ts';
import type { OptionNode } from './option-tree.ts';
import { cell, code, GENERATED } from './markdown.ts';

const INTRODUCTION = `# Configuration

\`lockkeeper.yaml\` is found in the working directory or any directory above it, or named with \`--config\`. Only \`environment\`,
and \`jobs\` or \`queues\`, must be there. \`lockkeeper config check\` says everything that is wrong with it, with line and column;
\`lockkeeper config show\` shows it with every default.

- **Durations** are a number with a unit (\`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`1d\`) or a number of milliseconds (\`30000\`): the same
  here, in options of the command line (\`--timeout 30m\`) and in TypeScript (\`'30s'\`, \`30_000\`).
- **Variables**: \`\${NAME}\` and \`\${NAME:-default}\` in a value stand for environment variables; \`$\${\` is a plain \`\${\`. A value that
  came from a variable is never shown in an error.
- **Paths** are relative to the file.

## In the editor

With the [YAML language server](https://github.com/redhat-developer/yaml-language-server) (in VS Code, Neovim, IntelliJ and
others) options are completed, explained and checked while you type, with this as the first line:

\`\`\`yaml
# yaml-language-server: $schema=./node_modules/lockkeeper/lockkeeper.schema.json
\`\`\`

\`lockkeeper config schema\` prints the same schema, for editors that want a file elsewhere.
`;

/** What each section is called: its path, with names of the user's own in angle brackets. */
interface Section {
  readonly path: string;
  readonly options: readonly OptionNode[];
  readonly from?: OptionNode;
  /** The options that it stands in, without which its example would not load. */
  readonly within?: readonly string[];
}

export function configurationPage(options: readonly OptionNode[]): string {
  return [
    GENERATED,
    INTRODUCTION,
    '## Options',
    table(options),
    ...options.flatMap((option) => sectionsIn(option, option.key)).map(section),
    CONNECTING,
    '## All of it',
    code('yaml', exampleYaml(options)),
  ].join('\n\n');
}

function sectionsIn(option: OptionNode, path: string, within: readonly string[] = []): Section[] {
  const { inside } = option;
  const deeper = (options: readonly OptionNode[], prefix: string, around: readonly string[] = []) =>
    options.flatMap((child) => sectionsIn(child, `${prefix}.${child.key}`, around));
  switch (inside.kind) {
    case 'nothing':
      return [];
    case 'options':
      return [
        { path, options: inside.options, from: option, within },
        ...deeper(inside.options, path, [...within, option.key]),
      ];
    case 'named': {
      const named = `${path}.<name>`;
      return [{ path: named, options: inside.options, from: option }, ...deeper(inside.options, named)];
    }
    case 'items':
      return [{ path: `${path}[]`, options: inside.options, from: option }];
    case 'typed':
      return Object.entries(inside.types).map(([type, options]) => ({ path: `${path}[] with ${type}`, options }));
  }
}

function section({ path, options, from, within = [] }: Section): string {
  return [
    `### \`${path}\``,
    ...(from ? [`${from.doc.description}.`] : [`${options[0]!.doc.description}.`]),
    table(options),
    code('yaml', from ? inside(exampleOf(from), within) : itemExample(options)),
  ].join('\n\n');
}

const inside = (example: string, around: readonly string[]): string =>
  around.reduceRight((text, key) => `${key}:\n${text.replaceAll(/^(?=.)/gm, '  ')}`, example);

const itemExample = (options: readonly OptionNode[]) => {
  const lines = options.flatMap((option) => exampleOf(option).split('\n').filter(Boolean));
  return lines.map((line, i) => `${i === 0 ? '- ' : '  '}${line}`).join('\n');
};

function table(options: readonly OptionNode[]): string {
  return [
    '| option | what it is | default | meaning | example |',
    '| --- | --- | --- | --- | --- |',
    ...options.map((option) => {
      const { key, doc, required, expected } = option;
      const byDefault = required ? '**must be there**' : (doc.default ?? '');
      const example = option.inside.kind === 'nothing' && doc.example !== undefined ? `\`${doc.example}\`` : '';
      return `| ${[`\`${key}\``, expected, byDefault, doc.description, example].map(cell).join(' | ')} |`;
    }),
  ].join('\n');
}
