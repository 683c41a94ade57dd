
import { continueAsNew } from '@temporalio/workflow';
import { runJob } from "/work/wt/attack/src/workflow.ts";
export async function two(input) {
  return [await runJob('counting', { to: 2 }), await runJob('counting', { to: 3 })];
}
export async function beside() {
  return Promise.all([runJob('counting', { to: 2 }), runJob('counting', { to: 3 })]);
}
export async function again(rounds) {
  const counted = await runJob('counting', { to: rounds });
  if (rounds > 1) await continueAsNew(rounds - 1);
  return counted;
}
