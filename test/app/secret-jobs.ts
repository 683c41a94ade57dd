import { setTimeout as delay } from 'node:timers/promises';
import { defineJob, jobGraph } from '../../src/jobs/index.ts';

/** Carries its input through everything that a job can put it into, for as long as it is told to. */
export const whisper = defineJob({
  name: 'whisper',
  taskQueue: 'secrets',
  state: { initial: { said: [] as string[] } },
  checkpointEvery: 0,
  retry: { maximumAttempts: 1 },
  async *run(job, input: { readonly secret: string; readonly times: number; readonly fail?: boolean }) {
    while (job.state.said.length < input.times) {
      job.progress(job.state.said.length, input.times, `whispers ${input.secret}`);
      await delay(20);
      yield { said: [...job.state.said, input.secret] };
    }
    if (input.fail) throw new Error(`nobody heard ${input.secret}`);
    return { last: job.state.said.at(-1), times: job.state.said.length };
  },
});

export const round = jobGraph({
  name: 'round',
  taskQueue: 'secrets',
  nodes(graph, input: { readonly secret: string }) {
    const first = graph.node('first', whisper, { secret: input.secret, times: 2 });
    return { heard: first.result };
  },
});
