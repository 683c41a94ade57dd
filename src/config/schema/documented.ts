import { z } from 'zod';

/** What the pages, the editor and the commented example say of an option. */
export interface OptionDoc {
  /** What it means, without a full stop at its end. */
  readonly description: string;
  /** What holds when it is left out, as it would be written. */
  readonly default?: string;
  /** How the commented example writes it, YAML; an option with options of its own has none. Left out: not in the example. */
  readonly example?: string;
  /** Of a map of the user's own names: those in the example. Only the last one has options there. */
  readonly names?: readonly string[];
}

const DOCS = z.registry<OptionDoc>();

/** The schema with its documentation; a schema that others share keeps its own. */
export function documented<T extends z.ZodType>(
  schema: T,
  description: string,
  more: Omit<OptionDoc, 'description'> = {},
): T {
  const own = schema.clone();
  DOCS.add(own, { description, ...more });
  return own;
}

export const docOf = (schema: z.core.$ZodType): OptionDoc | undefined => DOCS.get(schema);
