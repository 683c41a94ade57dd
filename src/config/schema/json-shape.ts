import { z } from 'zod';

export type JsonShape = z.core.JSONSchema.BaseSchema;

const SHAPES = z.registry<{ readonly shape: (generated: JsonShape) => JsonShape }>();

/** A schema whose JSON Schema zod cannot make alone: it has a check or a conversion of our own. */
export function shaped<T extends z.ZodType>(schema: T, shape: (generated: JsonShape) => JsonShape): T {
  // A clone: the same instance may stand for something else elsewhere.
  const own = schema.clone();
  SHAPES.add(own, { shape });
  return own;
}

export const shapeOf = (schema: z.core.$ZodType) => SHAPES.get(schema)?.shape;

/** Every value may be made of `${NAME}`s, and is not known before they are replaced. */
export const orReference = (pattern?: string): string => (pattern === undefined ? '\\$\\{' : `(?:${pattern})|\\$\\{`);
