import { execa } from 'execa';
import { expect, test } from 'vitest';

test('the package with node:test: a good job passes, a wrong one fails with what to look for', async () => {
  const jobs = new URL('with-node-test/jobs.ts', import.meta.url).pathname;
  // Node's runner is told by its environment that it runs inside another one, and then reports nothing to people.
  const { exitCode, stdout } = await execa(process.execPath, ['--test-reporter=spec', jobs], {
    reject: false,
    timeout: 15_000,
    env: { NODE_TEST_CONTEXT: undefined },
  });
  expect(stdout).toMatch(/✔ a deploy in the middle/);
  expect(stdout).toMatch(/✔ keeps its sum in its state/);
  expect(stdout).toMatch(/✖ keeps its sum in a variable/);
  expect(stdout).toMatch(/AssertionError.*job summing did not end as if undisturbed in 8 of 13 runs:/);
  expect(stdout).toMatch(/interrupted at checkpoint 1 \(went on from \{ row: 1, sum: 1 \}\): 9/);
  expect(exitCode).toBe(1);
});
