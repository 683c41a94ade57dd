import { setTimeout as delay } from 'node:timers/promises';

/** Nothing in an example takes this long unless it is stuck, milliseconds. */
const AT_MOST = 180_000;
const LOOK_EVERY = 50;

/** Looks until there is something; undefined and false are nothing. Throws the complaint when the time is over. */
export async function until<T>(
  look: () => T | Promise<T>,
  complaint: string,
  within = AT_MOST,
): Promise<Exclude<T, undefined | false>> {
  for (const deadline = Date.now() + within; ; await delay(LOOK_EVERY)) {
    const found = await look();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    if (Date.now() > deadline) throw new Error(`${complaint} within ${within / 1_000} s`);
  }
}

/** What the work gives; throws the complaint when the time is over. */
export async function inTime<T>(work: Promise<T>, complaint: string): Promise<T> {
  const clock = new AbortController();
  const over = delay(AT_MOST, undefined, { signal: clock.signal }).then(() => {
    throw new Error(`${complaint} within ${AT_MOST / 1_000} s`);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clock.abort();
  }
}
