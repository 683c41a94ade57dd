import type { Disturbances } from './disturbances.ts';

/** One way to disturb a job, and how it is told. */
export interface Way {
  readonly words: string;
  readonly options: Disturbances & { readonly checkpointEvery?: number };
}

export interface Undisturbed {
  readonly checkpoints: number;
  /** The numbers of those that are plain yields of a job with state and an interval: saved or not when a kill comes. */
  readonly plain: readonly number[];
  readonly kills: boolean;
  readonly at: readonly number[] | undefined;
}

/** All ways in which a job with these checkpoints can be disturbed once. */
export function waysToDisturb({ checkpoints, plain, kills, at }: Undisturbed): Way[] {
  const all = Array.from({ length: checkpoints }, (_, i) => i + 1);
  // A job that yields only when it is told to stop has its first checkpoint there.
  const chosen = at ?? (checkpoints === 0 ? [1] : all);
  const interruptions = chosen.map((n) => ({ words: `interrupted at checkpoint ${n}`, options: { interruptAt: n } }));
  if (!kills) return interruptions;
  const killed = at ?? [...all, checkpoints + 1];
  return [...interruptions, ...killed.flatMap((n) => killsAt(n, checkpoints, plain))];
}

function killsAt(n: number, checkpoints: number, plain: readonly number[]): Way[] {
  const where = n > checkpoints ? 'killed at its end, before the result was saved' : `killed at checkpoint ${n}`;
  let saved = n - 1;
  while (plain.includes(saved)) saved -= 1;
  if (saved === n - 1) return [{ words: where, options: { killAt: n } }];
  const since = saved === 0 ? 'nothing saved' : `nothing saved since checkpoint ${saved}`;
  return [
    { words: `${where}, with checkpoint ${n - 1} saved`, options: { killAt: n, checkpointEvery: 0 } },
    { words: `${where}, with ${since}`, options: { killAt: n } },
  ];
}
