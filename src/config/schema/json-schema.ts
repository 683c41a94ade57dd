import { parse } from 'yaml';
import { z } from 'zod';
import { configSchema } from './config.ts';
import { docOf } from './documented.ts';
import { shapeOf } from './json-shape.ts';
import type { JsonShape } from './json-shape.ts';
import { typesOf } from './typed.ts';
import type { Types } from './typed.ts';

/**
 * `lockkeeper.yaml` as a JSON Schema, for completion and checks in an editor. What holds between options (a queue that a
 * plan names must be there) only lockkeeper itself checks.
 */
export function configJsonSchema(): JsonShape {
  const { $schema, ...shape } = jsonSchemaOf(configSchema);
  return {
    $schema: $schema!,
    title: 'lockkeeper.yaml',
    description: 'Configuration of lockkeeper. Durations: 500ms, 30s, 5m, 2h, 1d, or a number of milliseconds.',
    ...shape,
    // A config with neither has nothing to pause.
    anyOf: [{ required: ['jobs'] }, { required: ['queues'] }],
  };
}

function jsonSchemaOf(schema: z.ZodType): JsonShape {
  return z.toJSONSchema(schema, {
    // What the YAML language server understands in every version.
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const generated = { ...jsonSchema };
      const types = typesOf(zodSchema);
      const own = types ? anyOf(types) : (shapeOf(zodSchema)?.(generated) ?? generated);
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      Object.assign(jsonSchema, withDoc(zodSchema, flat(own)));
    },
  });
}

function anyOf(types: Types): JsonShape {
  const shapes = Object.values(types).map((type) => {
    const shape = jsonSchemaOf(type);
    delete shape.$schema;
    return shape;
  });
  return { anyOf: shapes };
}

function withDoc(schema: z.core.$ZodType, shape: JsonShape): JsonShape {
  const doc = docOf(schema);
  if (!doc) return shape;
  const byDefault = doc.default === undefined ? '' : ` Default: ${doc.default}.`;
  return {
    description: `${doc.description}.${byDefault}`,
    ...shape,
    ...(doc.example !== undefined && { examples: [parse(doc.example) as z.core.util.JSONType] }),
  };
}

/** An `anyOf` in an `anyOf` as one: editors word their errors by its branches. */
function flat(shape: JsonShape): JsonShape {
  if (!shape.anyOf) return shape;
  return {
    ...shape,
    anyOf: shape.anyOf.flatMap((branch) => {
      const { anyOf, ...rest } = branch;
      return anyOf && Object.keys(rest).length === 0 ? anyOf : [branch];
    }),
  };
}
