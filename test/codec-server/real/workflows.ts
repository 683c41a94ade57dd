import { ApplicationFailure, proxyActivities, sleep } from '@temporalio/workflow';

const { lookUp } = proxyActivities<{ lookUp: (customer: string) => Promise<string> }>({
  startToCloseTimeout: '10s',
  summary: 'summary-of-activity',
});

export async function succeeds({ customer }: { customer: string }): Promise<{ found: string }> {
  await sleep(1, { summary: 'summary-of-timer' });
  return { found: await lookUp(customer) };
}

export function fails(reason: string): Promise<void> {
  throw ApplicationFailure.nonRetryable(`message-of-failure: ${reason}`);
}
