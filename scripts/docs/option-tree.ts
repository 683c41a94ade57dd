import type { z } from 'zod';
import { configSchema } from '../../src/config/schema/config.ts';
import { docOf } from '../../src/config/schema/documented.ts';
import type { OptionDoc } from '../../src/config/schema/documented.ts';
import { typesOf } from '../../src/config/schema/typed.ts';

/** An option of lockkeeper.yaml, and those inside it. */
export interface OptionNode {
  readonly key: string;
  readonly doc: OptionDoc;
  readonly required: boolean;
  /** What an error says was expected. */
  readonly expected: string;
  readonly inside:
    | { readonly kind: 'nothing' }
    | { readonly kind: 'options' | 'named' | 'items'; readonly options: readonly OptionNode[] }
    | { readonly kind: 'typed'; readonly types: Readonly<Record<string, readonly OptionNode[]>> };
}

/** Every option of the schema, in its order. */
export const optionTree = (): OptionNode[] => optionsOf(configSchema);

/** What a zod schema is made of, as far as options can be inside. */
interface Inside {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly element?: z.ZodType;
}

const insideOf = (schema: z.ZodType) => schema.def as unknown as Inside;

/** Without what makes it optional, and without conversions. */
function bare(schema: z.ZodType): z.ZodType {
  const { type, innerType, in: from, out } = insideOf(schema);
  if (type === 'optional' || type === 'nullable') return bare(innerType!);
  if (type === 'pipe' && !typesOf(schema)) return bare(insideOf(from!).type === 'transform' ? out! : from!);
  return schema;
}

function optionsOf(schema: z.ZodType): OptionNode[] {
  return Object.entries(insideOf(bare(schema)).shape ?? {}).map(([key, option]) => {
    const doc = docOf(option);
    if (!doc) throw new Error(`option \`${key}\` has no documentation: wrap it in documented()`);
    return {
      key,
      doc,
      required: !option.safeParse(undefined).success,
      expected: expectedBy(option),
      inside: insideOption(option),
    };
  });
}

function insideOption(option: z.ZodType): OptionNode['inside'] {
  const { type, valueType, element } = insideOf(bare(option));
  if (type === 'object') return { kind: 'options', options: optionsOf(option) };
  const types = type === 'array' && typesOf(element!);
  if (types) {
    return { kind: 'typed', types: Object.fromEntries(Object.entries(types).map(([t, of]) => [t, optionsOf(of)])) };
  }
  if (type === 'array' && optionsOf(element!).length > 0) return { kind: 'items', options: optionsOf(element!) };
  const options = type === 'record' ? optionsOf(valueType!) : [];
  return options.length > 0 ? { kind: 'named', options } : { kind: 'nothing' };
}

/** In the words of the error that anything of a wrong type gets. */
function expectedBy(option: z.ZodType): string {
  return option.safeParse(Symbol('of no type that YAML has')).error?.issues[0]?.message ?? 'anything';
}
