import { setTimeout as delay } from 'node:timers/promises';
import { defineJob } from 'lockkeeper';
import { WARM_UP, advance, begin, hasEnded } from './chain.ts';
import type { ChainInput, ChainState } from './chain.ts';

/** Between two batches, milliseconds: as if a batch were more work, so that there is time for something to happen. */
const PAUSE = Number(process.env['MCMC_PAUSE'] ?? 0);

/**
 * One Markov chain. Its whole memory is in the checkpoint, the random generator's too: whoever goes on with it draws what
 * would have been drawn.
 */
export const sampleChain = defineJob({
  name: 'sampleChain',
  taskQueue: 'chains',
  state: { initial: null as ChainState | null },
  async *run(job, input: ChainInput) {
    let chain = job.state ?? begin(input);
    while (!hasEnded(chain, input)) {
      await delay(PAUSE);
      chain = advance(chain, input);
      job.progress(chain.batches, WARM_UP + input.batches);
      yield chain;
    }
    return chain;
  },
});
