import { z } from 'zod';
import { ErrorOutput, JSON_OUTPUTS } from '../../src/cli/json/index.ts';
import type { JsonOutput } from '../../src/cli/json/shape.ts';
import { Notice } from '../../src/notices/notice.ts';
import { GENERATED } from './markdown.ts';

/** What we use of JSON Schema. */
interface Schema {
  readonly $ref?: string;
  readonly id?: string;
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

const FORMS: Record<JsonOutput['form'], string> = {
  one: 'one value',
  line: 'one value on a line, the last of the output',
  lines: 'a value a line',
};

/** What every command prints with `--json`, from the shapes in src/cli/json. */
export function jsonPage(): string {
  const shapes = new Map<string, Schema>();
  const read = (schema: z.ZodType): Schema => {
    const { $defs = {}, ...own } = z.toJSONSchema(schema, { io: 'output' }) as Schema;
    for (const [name, shape] of Object.entries($defs)) shapes.set(name, shape);
    if (own.id === undefined) return own;
    shapes.set(own.id, own);
    return { $ref: `#/$defs/${own.id}` };
  };
  const commands = JSON_OUTPUTS.map(
    ({ command, form, says, schema }) =>
      `### \`lockkeeper ${command}\`\n\n${says} ${capital(FORMS[form])}.\n\n${code(`type Output = ${typeOf(read(schema))}`)}`,
  );
  const error = typeOf(read(ErrorOutput));
  const notice = typeOf(read(Notice));
  const named = [...shapes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, shape]) => `### ${name}\n\n${shape.description}\n\n${code(`type ${name} = ${typeOf(shape)}`)}`);
  return [
    GENERATED,
    '# JSON output',
    'With `--json` a command prints what is described here on standard output, and nothing else of its own; the tests hold real ' +
      'output against it. Fields may be added; none changes its ' +
      'meaning or goes away. Moments are ISO 8601 in UTC. What is unknown or does not apply is absent.',
    '## Errors',
    'Every command that has `--json` says an error twice: in words on standard error, as always, and as one line on standard ' +
      'output, which is then its last one. `exitCode` is the exit code of the process, see `lockkeeper help exit-codes`. A wait ' +
      'that a signal ends is no error.',
    code(`type Output = ${error}`),
    '## Commands',
    ...commands,
    '## Webhooks',
    'What receivers of [notices](notices.md) are sent is no output of a command, and is promised as they are.',
    code(`type Body = ${notice}`),
    '## Shapes',
    ...named,
  ].join('\n\n');
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const code = (type: string) => `\`\`\`ts\n${type}\n\`\`\``;

/** A schema as TypeScript has it, descriptions as comments. */
function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.slice('#/$defs/'.length);
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum) return schema.enum.map(literal).join(' | ');
  const union = schema.anyOf ?? schema.oneOf;
  if (union) return union.map(typeOf).join(' | ');
  switch (schema.type) {
    case 'array':
      return arrayOf(typeOf(schema.items ?? {}));
    case 'object':
      return objectType(schema);
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return schema.type;
    default:
      return 'unknown';
  }
}

const arrayOf = (type: string) => (/^\w+$/.test(type) ? `${type}[]` : `Array<${type}>`);

function objectType({ properties, required = [], additionalProperties }: Schema): string {
  if (!properties) {
    const value = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown';
    return `Record<string, ${value}>`;
  }
  const fields = Object.entries(properties).map(([name, schema]) => {
    const says = schema.description === undefined ? '' : `/** ${schema.description} */\n`;
    return `${says}${name}${required.includes(name) ? '' : '?'}: ${typeOf(schema)};`;
  });
  return `{\n${fields.join('\n')}\n}`;
}

const literal = (value: unknown) => (typeof value === 'string' ? `'${value}'` : JSON.stringify(value));
