import { expect, test } from 'vitest';
import { errorMessage } from '../../src/errors.ts';
import type { Lockkeeper } from '../../src/index.ts';
import { round, whisper } from '../app/secret-jobs.ts';
import { rowsWith } from '../saved-state/scan.ts';
import { eventually } from '../support/eventually.ts';
import { startOwnServers } from './own-servers.ts';
import type { OwnServers } from './own-servers.ts';

const SECRET = 'maria.keller-4711@example.com';
const QUEUE = 'secrets';

/** Everything that carries something of a user's, with a deploy and a SIGKILL in the middle. */
async function useEverything(servers: OwnServers, program: Lockkeeper): Promise<void> {
  const deployWorker = await servers.worker('deploy-worker');
  const first = await servers.worker();
  const { workflow } = program.temporal.client;

  const long = await program.jobs.start(whisper, { secret: SECRET, times: 150 }, { id: 'long' });
  await eventually(async () => expect((await long.describe()).seq).toBeGreaterThan(10));
  const deploy = servers.run(['deploy', 'run', '--environment', 'test', '--id', 'd1', '--', 'sleep', '1'], {
    keys: false,
  });
  expect(await deploy.ended({ within: 60_000 })).toMatchObject({ code: 0 });

  const failed = await program.jobs.start(whisper, { secret: SECRET, times: 1, fail: true }, { id: 'failed' });
  await expect(failed.result()).rejects.toSatisfy((error) => errorMessage(error).includes(`nobody heard ${SECRET}`));
  const complaint = workflow.execute('complaining', { workflowId: 'complaint', taskQueue: QUEUE, args: [SECRET] });
  await expect(complaint).rejects.toSatisfy((error) => errorMessage(error).includes(`cannot bear ${SECRET}`));

  const second = await servers.worker();
  first.kill('SIGKILL');
  await first.ended();

  const listening = await workflow.start('listening', {
    workflowId: 'listening',
    taskQueue: QUEUE,
    args: [SECRET],
    memo: { about: SECRET },
    staticSummary: SECRET,
    staticDetails: SECRET,
  });
  await listening.signal('tell', `${SECRET} signal`);
  expect(await listening.executeUpdate('ask', { args: [`${SECRET} update`] })).toBe(`you said ${SECRET} update`);
  expect(await listening.query('heard')).toContain(`${SECRET} signal`);
  expect(await listening.result()).toEqual([SECRET, `${SECRET} signal`, `${SECRET} update`, SECRET]);

  const graph = await program.graphs.start(round, { secret: SECRET }, { id: 'round' });
  expect(await graph.result()).toEqual({ heard: { last: SECRET, times: 2 } });
  expect(await long.result()).toEqual({ last: SECRET, times: 150 });
  for (const one of [second, deployWorker]) {
    one.kill('SIGTERM');
    expect(await one.ended()).toMatchObject({ code: 0 });
  }
}

test(
  'with keys nothing of jobs, graphs and workflows is readable in either database or in any log, and everything works',
  { timeout: 180_000 },
  async () => {
    const servers = await startOwnServers();
    const program = await servers.program();
    await useEverything(servers, program);
    for (const args of [
      ['job', 'list'],
      ['job', 'show', 'failed'],
      ['board', '--environment', 'test'],
      ['graph', 'list'],
    ])
      expect(await servers.run(args, { keys: false }).ended()).toMatchObject({ code: 0 });

    expect(servers.outputWith(SECRET)).toEqual([]);
    expect(servers.outputWith('nobody heard')).toEqual([]);
    expect(await rowsWith(program.ledger, SECRET)).toEqual([]);
    expect(servers.filesWith(SECRET)).toEqual([]);
    await servers.dev.stop();
    expect(servers.filesWith(SECRET)).toEqual([]);
    // Ids and names are readable, so that the search looks into the right files.
    expect(servers.filesWith('whisper')).not.toEqual([]);
  },
);

test('in plain text the same search finds it', { timeout: 180_000 }, async () => {
  const servers = await startOwnServers('plaintext');
  const program = await servers.program('plaintext');
  await useEverything(servers, program);
  expect(servers.filesWith(SECRET)).not.toEqual([]);
  expect(servers.outputWith(SECRET)).not.toEqual([]);
  expect(await rowsWith(program.ledger, SECRET)).not.toEqual([]);
});
