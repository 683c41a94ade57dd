import { proxyActivities } from '@temporalio/workflow';
import { runJob } from '../../src/workflow.ts';
import type { count } from './count-job.ts';

const { greet } = proxyActivities<{ greet(name: string): Promise<string> }>({ startToCloseTimeout: '10s' });

/** A workflow that somebody had before there were jobs. */
export async function greeting(name: string): Promise<string> {
  return greet(name);
}

/** One that has come to use a job. */
export async function greetingAfterCounting(to: number): Promise<string> {
  const { counted } = await runJob<typeof count>('count', { to, everyMs: 0 });
  return greet(String(counted));
}
