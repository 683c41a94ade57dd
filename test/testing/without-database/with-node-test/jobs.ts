/** Tests of jobs as somebody writes them who uses Node's own runner and the package: run by node-test.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineJob } from 'lockkeeper';
import { everyInterruption, runJobInTest } from 'lockkeeper/testing';

const summing = (keep: 'in its state' | 'in a variable') =>
  defineJob({
    name: 'summing',
    taskQueue: 'q',
    state: { initial: { row: 0, sum: 0 } },
    async *run(job, input: { rows: number }) {
      let sum = keep === 'in its state' ? job.state.sum : 0;
      for (let row = job.state.row + 1; row <= input.rows; row += 1) {
        sum += row;
        yield { row, sum };
      }
      return sum;
    },
  });

void test('a deploy in the middle', async () => {
  const run = await runJobInTest(summing('in its state'), { rows: 4 }, { interruptAt: 2 });
  assert.equal(run.result, 10);
});

void test('keeps its sum in its state', async () => {
  await everyInterruption(summing('in its state'), { rows: 4 });
});

void test('keeps its sum in a variable', async () => {
  await everyInterruption(summing('in a variable'), { rows: 4 });
});
