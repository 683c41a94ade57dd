import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments, visit } from 'yaml';
import { loadConfig } from '../../src/config/index.ts';
import { receiverTypes } from '../../src/config/schema/notices.ts';
import { errorMessage } from '../../src/errors.ts';
import { checkShell } from './check-shell.ts';
import { checkCommandLine } from './command-line.ts';
import type { Block } from './pages.ts';

/** What a part of a config may leave out. */
const BEFORE = { environment: 'docs', jobs: './jobs.ts', databases: '{ app: { env: APP_DATABASE_URL } }' };

/**
 * A block of `yaml` is a config, or a part of one, and is loaded as one; what stands behind the fence says otherwise.
 * @returns what is wrong, a line each
 */
export async function checkYaml(block: Block): Promise<string[]> {
  try {
    switch (block.name) {
      case undefined:
      case 'lockkeeper.yaml':
        return await checkConfig(block);
      case 'github':
        return await checkRuns(block);
      case 'gitlab':
        // The file that `init` writes, which test/ci really runs.
        return [];
      case 'kubernetes':
        return await checkManifests(block);
      default:
        return [`${block.at}: nobody checks yaml of the kind ${block.name}`];
    }
  } catch (error) {
    return [`${block.at}: ${errorMessage(error)}`];
  }
}

/** A list is the steps of a plan, or receivers of notices; `parameters` or `approvals` alone those of a plan; anything else is options of the file itself. */
function asConfig(text: string): string {
  const value: unknown = parse(text);
  const within = (head: string, spaces: number) => `${head}\n${text.replaceAll(/^(?=.)/gm, ' '.repeat(spaces))}`;
  if (Array.isArray(value)) {
    return value.some((item) => receiverTypes(item).length > 0)
      ? within('notices:', 2)
      : within('plans:\n  docs:\n    steps:', 6);
  }
  const isOfPlan = ['parameters', 'approvals'].includes(Object.keys(Object(value) as object).join());
  return isOfPlan ? within('plans:\n  docs:\n    steps: [{ external: true }]', 4) : text;
}

async function checkConfig(block: Block): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-docs-'));
  try {
    const text = asConfig(block.text);
    const own = Object.keys((parse(text) ?? {}) as object);
    const before = Object.entries(BEFORE).filter(([key]) => !own.includes(key));
    const file = join(folder, 'lockkeeper.yaml');
    await writeFile(file, [...before.map(([key, value]) => `${key}: ${value}`), text].join('\n'));
    await loadConfig(file, {});
    return [];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Each `run` of a workflow of GitHub is a piece of shell. */
async function checkRuns(block: Block): Promise<string[]> {
  const runs: string[] = [];
  for (const document of documentsOf(block)) {
    visit(document, {
      Pair(_, pair) {
        const { key, value } = pair as { key: { value?: unknown }; value: { value?: unknown } | null };
        if (key.value === 'run') runs.push(String(value?.value));
      },
    });
  }
  if (runs.length === 0) return [`${block.at}: has no \`run\``];
  return (await Promise.all(runs.map((text) => checkShell({ at: block.at, text })))).flat();
}

async function checkManifests(block: Block): Promise<string[]> {
  const wrong: string[] = [];
  for (const document of documentsOf(block)) {
    for (const field of ['apiVersion', 'kind', 'metadata'])
      if (!document.has(field)) wrong.push(`${block.at}: a manifest has no ${field}`);
    const commands: string[][] = [];
    visit(document, {
      Pair(_, pair) {
        const { key, value } = pair as { key: { value?: unknown }; value: { toJSON(): unknown } | null };
        if (key.value === 'command') commands.push(value?.toJSON() as string[]);
      },
    });
    for (const [program, ...args] of commands) {
      const complaint = program === 'lockkeeper' ? await checkCommandLine(args) : undefined;
      if (complaint !== undefined) wrong.push(`${block.at}: ${complaint}`);
    }
  }
  return wrong;
}

function documentsOf({ text }: Block) {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) throw new Error('it is empty');
  const error = documents.flatMap(({ errors }) => errors)[0];
  if (error) throw error;
  return documents;
}
