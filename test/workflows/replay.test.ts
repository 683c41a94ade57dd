import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import proto from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { expect, test } from 'vitest';
import { bundle } from '../../src/workers/workflow-bundle.ts';
import { installRuntime } from '../../src/workers/runtime.ts';
import { quietLog } from '../support/quiet-log.ts';

installRuntime(quietLog);
const FOLDER = fileURLToPath(new URL('../histories', import.meta.url));
const names = readdirSync(FOLDER).map((file) => path.basename(file, '.json'));

const load = (name: string) =>
  JSON.parse(readFileSync(path.join(FOLDER, `${name}.json`), 'utf8')) as {
    workflowId: string;
    history: Record<string, unknown>;
  };
const workflowBundle = await bundle(quietLog, undefined);
const replay = (file: ReturnType<typeof load>) =>
  Worker.runReplayHistory(
    { workflowBundle },
    proto.temporal.api.history.v1.History.fromObject(file.history),
    file.workflowId,
  );

test('there are histories of every workflow type', () => {
  const types = new Set(names.map((name) => JSON.stringify(load(name)).match(/"workflowType":\{"name":"(\w+)"/)?.[1]));
  expect(types).toEqual(new Set(['job', 'jobGraph', 'deployCoordinator', 'deployRun', 'deployStep']));
});

// Running workflows outlive releases: a change that breaks one of these is patched or versioned.
test.each(names)('the present code replays %s', async (name) => {
  await replay(load(name));
});

test('a history that the code could not have written is noticed', async () => {
  const file = load('deploy-run-succeeded');
  const text = JSON.stringify(file).replaceAll('"recordCode"', '"recordSomethingElse"');
  expect(text).not.toBe(JSON.stringify(file));
  await expect(replay(JSON.parse(text) as ReturnType<typeof load>)).rejects.toThrow(DeterminismViolationError);
});
