import { z } from 'zod';

/** A moment, ISO 8601 in UTC. */
export const time = (says: string) => z.iso.datetime().describe(says);

/** A shape that has a name of its own in the docs. */
export const named = <T extends z.ZodRawShape>(name: string, says: string, shape: T) =>
  z.object(shape).meta({ id: name, description: says });

/** What a command prints with `--json`. */
export interface JsonOutput {
  /** Its words after `lockkeeper`, with the option that brings this output about, if there is one. */
  readonly command: string;
  /** What it is, and when it comes. */
  readonly says: string;
  readonly schema: z.ZodType;
  /** `one`: one value, indented. `line`: one value on a line, the last of the output. `lines`: one a line, as things happen. */
  readonly form: 'one' | 'line' | 'lines';
}
