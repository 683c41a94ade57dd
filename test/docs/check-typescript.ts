import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import type { Block, Page } from './pages.ts';
import { PROJECT } from './pages.ts';

const HERE = join(PROJECT, 'test/docs');

/** Everything but what only says that an example does nothing more with what it made. */
const options: ts.CompilerOptions = {
  ...parsedConfig(),
  noUnusedLocals: false,
  noUnusedParameters: false,
  paths: packagePaths(),
};

/** The types of packages are parsed once for all pages. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/**
 * Type-checks the `ts` blocks of a page together, as users of the package would write them. A block behind whose fence a
 * file's name stands can be imported by the others, and a type that one block defines is known to all. What a page does not define, `preludes/<page>.ts` may export.
 * @returns what is wrong, a line each
 */
export function checkTypeScript(page: Page): string[] {
  const blocks = page.blocks.filter((block) => block.lang === 'ts');
  const files = new Map(blocks.map((block) => [fileOf(page, block), block]));
  if (files.size < blocks.length) return [`${page.name}: two blocks have the same file name`];
  const sources = new Map([...files].map(([file, block]) => [file, withImports(page, block, blocks)]));
  const program = ts.createProgram([...files.keys()], options, hostOf(sources));
  return [...files].flatMap(([file, block]) => {
    const source = program.getSourceFile(file)!;
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map((diagnostic) => describe(diagnostic, block));
  });
}

/** Nothing is written: the files are beside the tests, so that packages are found from there. */
const fileOf = (page: Page, block: Block) => join(HERE, 'blocks', page.name, nameOf(block));
const nameOf = (block: Block) => block.name ?? `line-${block.line}.ts`;

function describe(diagnostic: ts.Diagnostic, block: Block): string {
  const { line } = ts.getLineAndCharacterOfPosition(diagnostic.file!, diagnostic.start ?? 0);
  const text = block.text.split('\n')[line]?.trim() ?? '';
  const at = `${block.at.split(':')[0]}:${block.line + 1 + line}`;
  return `${at}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}, in \`${text}\``;
}

/** A block, and behind it, so that the lines stay where they are, what it uses and does not define. */
function withImports(page: Page, block: Block, blocks: readonly Block[]): string {
  const own = namesIn(block.text);
  const types = own.filter(({ kind }) => kind === 'type').map(({ name }) => name);
  const imports = foreignNames(page, block, blocks).filter(
    ({ name }) => own.every((declared) => declared.name !== name) && new RegExp(`\\b${name}\\b`).test(block.text),
  );
  return [
    block.text,
    `export type { ${types.join(', ')} };`,
    ...imports.map(({ name, from, kind }) => `import ${kind === 'type' ? 'type ' : ''}{ ${name} } from '${from}';`),
  ].join('\n');
}

/** What a block may use: the exports of the prelude, and types that exactly one other block defines. */
function foreignNames(page: Page, block: Block, blocks: readonly Block[]): (Name & { readonly from: string })[] {
  const prelude = join(HERE, 'preludes', `${page.name}.ts`);
  const given = existsSync(prelude) ? namesIn(readFileSync(prelude, 'utf8')) : [];
  const elsewhere = blocks
    .filter((other) => other !== block)
    .flatMap((other) => namesIn(other.text).map((name) => ({ ...name, from: `./${nameOf(other)}` })))
    .filter(({ kind }) => kind === 'type');
  const unique = elsewhere.filter(({ name }) => elsewhere.filter((other) => other.name === name).length === 1);
  return [...given.map((name) => ({ ...name, from: `../../preludes/${page.name}.ts` })), ...unique];
}

interface Name {
  readonly name: string;
  /** `type`: declared and not exported. */
  readonly kind: 'type' | 'other';
}

/** What a text defines or imports at its top. */
function namesIn(text: string): Name[] {
  const { statements } = ts.createSourceFile('block.ts', text, ts.ScriptTarget.Latest);
  return statements.flatMap((statement): Name[] => {
    if (ts.isVariableStatement(statement)) {
      const names = statement.declarationList.declarations.map(({ name }) => name);
      return names.flatMap((name) => (ts.isIdentifier(name) ? [{ name: name.text, kind: 'other' as const }] : []));
    }
    if (ts.isImportDeclaration(statement)) {
      const bindings = statement.importClause?.namedBindings;
      const elements = bindings && ts.isNamedImports(bindings) ? bindings.elements : [];
      return elements.map(({ name }) => ({ name: name.text, kind: 'other' }));
    }
    if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) {
      const exported = statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
      return [{ name: statement.name.text, kind: exported ? 'other' : 'type' }];
    }
    const named = ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement);
    return named && statement.name ? [{ name: statement.name.text, kind: 'other' }] : [];
  });
}

function hostOf(sources: ReadonlyMap<string, string>): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  const folders = [...sources.keys()].map((file) => join(file, '..'));
  return {
    ...host,
    fileExists: (file) => sources.has(file) || host.fileExists(file),
    readFile: (file) => sources.get(file) ?? host.readFile(file),
    directoryExists: (folder) => folders.some((known) => known.startsWith(folder)) || host.directoryExists!(folder),
    getSourceFile: (file, language) => {
      const text = sources.get(file);
      if (text !== undefined) return ts.createSourceFile(file, text, language, true);
      if (!parsed.has(file)) parsed.set(file, host.getSourceFile(file, language));
      return parsed.get(file);
    },
  };
}

function parsedConfig(): ts.CompilerOptions {
  const file = join(PROJECT, 'tsconfig.json');
  const { config } = ts.readConfigFile(file, (path) => ts.sys.readFile(path)) as { config: unknown };
  return ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, PROJECT).options;
}

/** The package's entries, at their sources: what is not in `exports` cannot be imported. */
function packagePaths(): Record<string, string[]> {
  const { exports } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { default: string }>;
  };
  return Object.fromEntries(
    Object.entries(exports).flatMap(([entry, target]) => {
      if (typeof target === 'string') return [];
      const source = target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts');
      return [[`lockkeeper${entry.slice(1)}`, [join(PROJECT, source)]]];
    }),
  );
}
