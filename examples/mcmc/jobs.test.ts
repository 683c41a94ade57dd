import { defineJob } from 'lockkeeper';
import { everyInterruption, runJobInTest } from 'lockkeeper/testing';
import { expect, test } from 'vitest';
import { advance, begin, hasEnded } from './chain.ts';
import type { ChainInput, ChainState } from './chain.ts';
import { sampleChain } from './jobs.ts';

const input = { seed: 1986, chain: 2, batches: 4 };
/** Warm-up and all: 42 checkpoints. */
const longer = { ...input, batches: 40 };

test('whichever batch a deploy or a crash hits, the chain is the same to the last bit', async () => {
  const { checkpoints } = await everyInterruption(sampleChain, input);
  expect(checkpoints).toBe(6);
});

test('twenty interruptions and kills in one run: the same draws as in a run without any', async () => {
  const calm = await runJobInTest(sampleChain, longer);
  const interruptAt = [1, 2, 5, 9, 14, 20, 21, 27, 33, 40];
  const killAt = [3, 4, 7, 11, 17, 23, 24, 30, 36, 41];
  const rough = await runJobInTest(sampleChain, longer, { interruptAt, killAt });
  expect(rough.slices).toHaveLength(21);
  expect(rough.result).toStrictEqual(calm.result);
});

test('chains of one seed are different, and those of another seed too', async () => {
  const digests = await Promise.all(
    [input, { ...input, chain: 3 }, { ...input, seed: 1987 }].map(
      async (one) => (await runJobInTest(sampleChain, one)).result?.digest,
    ),
  );
  expect(new Set(digests).size).toBe(3);
});

test('a chain that begins its random generator anew in every slice is found out', async () => {
  const forgetful = defineJob({
    name: 'forgetful',
    taskQueue: 'chains',
    state: { initial: null as ChainState | null },
    async *run(job, chainInput: ChainInput) {
      let chain = job.state && { ...job.state, random: begin(chainInput).random };
      chain ??= begin(chainInput);
      while (!hasEnded(chain, chainInput)) {
        chain = advance(chain, chainInput);
        yield chain;
      }
      return chain;
    },
  });
  await expect(everyInterruption(forgetful, input)).rejects.toThrow(/interrupted at checkpoint 1/);
});
