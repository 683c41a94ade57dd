import { fileURLToPath } from 'node:url';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { defineJob } from '../../src/jobs/index.ts';
import type { InputOf, Job, JobDefinition, NameOf, ResultOf, Saved, Steps } from '../../src/jobs/index.ts';
import { compilerProblems } from '../support/compiler-problems.ts';

const counting = defineJob({
  name: 'count',
  taskQueue: 'numbers',
  state: { initial: { row: 0 } },
  async *run(job, input: { to: number }) {
    expectTypeOf(job).toEqualTypeOf<Job<{ row: number }>>();
    expectTypeOf(job.state).toEqualTypeOf<Readonly<{ row: number }>>();
    yield { row: job.state.row + 1 };
    const inserted = yield* job.transaction(async (sql, save) => {
      expectTypeOf(save).parameters.toEqualTypeOf<[{ row: number }]>();
      save({ row: 2 });
      const { rows } = await sql.query<{ id: number }>('select 1 as id');
      return rows[0]?.id;
    });
    expectTypeOf(inserted).toEqualTypeOf<number | undefined>();
    const nothing = yield* job.statement('select 1', [], { row: 3 });
    expectTypeOf(nothing).toEqualTypeOf<void>();
    return { counted: input.to };
  },
});

export const stateless = defineJob({
  name: 'ping',
  taskQueue: 'numbers',
  async *run(job) {
    expectTypeOf(job.state).toEqualTypeOf<undefined>();
    yield undefined;
  },
});

export const parsed = defineJob({
  name: 'parsed',
  taskQueue: 'numbers',
  state: {
    version: 2,
    initial: { at: 0 },
    parse: (value: unknown) => value as { at: number },
    migrate: { 1: (old: { position: number }) => ({ at: old.position }) },
  },
  parseInput: (value: unknown) => value as { file: string },
  async *run(job, input) {
    expectTypeOf(input).toEqualTypeOf<{ file: string }>();
    yield { at: job.state.at };
    return input.file;
  },
  async *onCancel(job, input) {
    expectTypeOf(input).toEqualTypeOf<{ file: string }>();
    yield { at: job.state.at - 1 };
  },
});

export const either = defineJob({
  name: 'either',
  taskQueue: 'numbers',
  state: { initial: null as { at: number } | null },
  async *run(job, input: { from: number }) {
    const place = job.state ?? { at: input.from };
    expectTypeOf(place).toEqualTypeOf<Readonly<{ at: number }>>();
    yield { at: place.at + 1 };
  },
});

describe('a definition infers', () => {
  test('its name, input, result and state', () => {
    expectTypeOf<NameOf<typeof counting>>().toEqualTypeOf<'count'>();
    expectTypeOf<InputOf<typeof counting>>().toEqualTypeOf<{ to: number }>();
    expectTypeOf<ResultOf<typeof counting>>().toEqualTypeOf<{ counted: number }>();
    expectTypeOf(counting).toExtend<JobDefinition<'count', { to: number }, { counted: number }, { row: number }>>();
  });

  test('no state and no result where there is none', () => {
    expectTypeOf<ResultOf<typeof stateless>>().toEqualTypeOf<void>();
    expectTypeOf<NameOf<typeof stateless>>().toEqualTypeOf<'ping'>();
  });

  test('a state of several shapes, told apart as any such value', () => {
    expectTypeOf(either).toExtend<JobDefinition<'either', { from: number }, void, { at: number } | null>>();
  });

  test('the input from its parser', () => {
    expectTypeOf<InputOf<typeof parsed>>().toEqualTypeOf<{ file: string }>();
    expectTypeOf<ResultOf<typeof parsed>>().toEqualTypeOf<string>();
  });

  test('a helper by its own type', () => {
    async function* helper(job: Job<{ row: number }>): Steps<{ row: number }, string> {
      yield { row: job.state.row };
      return 'helped';
    }
    expectTypeOf(helper).returns.toEqualTypeOf<AsyncGenerator<{ row: number } | Saved, string, void>>();
    defineJob({
      name: 'helped',
      taskQueue: 'numbers',
      state: { initial: { row: 0 } },
      async *run(job) {
        expectTypeOf(yield* helper(job)).toEqualTypeOf<string>();
      },
    });
  });
});

/** Never run: what must not compile. */
export function refusedByTheCompiler(): void {
  const state = { initial: { row: 0 } };
  const base = { name: 'wrong', taskQueue: 'numbers', state } as const;

  defineJob({
    ...base,
    // @ts-expect-error -- a yield of another shape
    async *run() {
      yield { column: 1 };
    },
  });
  defineJob({
    ...base,
    // @ts-expect-error -- a yield of nothing, where there is a state
    async *run() {
      yield undefined;
    },
  });
  defineJob({
    ...base,
    async *run(job) {
      yield* job.transaction(async (_, save) => {
        // @ts-expect-error -- a save of another shape
        save({ row: 'one' });
      });
    },
  });
  defineJob({
    ...base,
    async *run(job) {
      // @ts-expect-error -- a statement that saves another shape
      yield* job.statement('select 1', [], { row: 'one' });
    },
  });
  defineJob({
    ...base,
    async *run(job) {
      // @ts-expect-error -- a state is not written to
      job.state.row = 1;
      yield { row: 1 };
    },
  });
  defineJob({
    name: 'stateless',
    taskQueue: 'numbers',
    // @ts-expect-error -- a state yielded by a job that has none
    async *run() {
      yield { row: 1 };
    },
  });
  // @ts-expect-error -- an input of another shape
  const input: InputOf<typeof counting> = { from: 1 };
  // @ts-expect-error -- a result of another shape
  const result: ResultOf<typeof counting> = { counted: 'one' };
  defineJob({
    ...base,
    // @ts-expect-error -- not a unit of time
    checkpointEvery: '1 week',
    async *run() {
      yield { row: 1 };
    },
  });
  void [input, result];
}

test('the compiler agrees with everything this file says', { timeout: 60_000 }, () => {
  expect(compilerProblems(fileURLToPath(import.meta.url))).toEqual([]);
});
