import type { z } from 'zod';
import { print } from '../terminal.ts';

/** What JSON has of `value`, reduced to what the shape says: nothing that is not documented leaves. */
export function toShape<S extends z.ZodType>(schema: S, value: Jsonable<z.input<S>>): z.output<S> {
  return schema.parse(JSON.parse(JSON.stringify(value)));
}

/** Anything that JSON turns into `T`: dates may be dates, and it may have more than is shown. */
export type Jsonable<T> = T extends string
  ? T | Date
  : T extends readonly (infer E)[]
    ? readonly Jsonable<E>[]
    : T extends object
      ? { readonly [K in keyof T]: Jsonable<T[K]> }
      : T;

/** Prints a result for programs: indented, to be read by people too. */
export function printAs<S extends z.ZodType>(schema: S, value: Jsonable<z.input<S>>): void {
  print(JSON.stringify(toShape(schema, value), undefined, 2));
}

/** Prints a result on one line, for output in which other lines may stand. */
export function printLineAs<S extends z.ZodType>(schema: S, value: Jsonable<z.input<S>>): void {
  print(JSON.stringify(toShape(schema, value)));
}
