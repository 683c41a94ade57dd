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

/** What an editor shows when no pattern matches; a pattern itself tells people nothing. Not a word of JSON Schema's own. */
export const PATTERN_ERROR = 'patternErrorMessage';

/**
 * A string that matches, or is made of `${NAME}`s: every value may be, and is not known before they are replaced.
 * `expected` is what the loader's error says.
 */
export const written = (expected: string, pattern?: string): JsonShape => ({
  type: 'string',
  pattern: pattern === undefined ? REFERENCE : `(?:${pattern})|${REFERENCE}`,
  [PATTERN_ERROR]: `expected ${expected}`,
});

const REFERENCE = '\\$\\{';
