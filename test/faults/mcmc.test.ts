import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { advance, begin, hasEnded } from '../../examples/mcmc/chain.ts';
import type { ChainState } from '../../examples/mcmc/chain.ts';
import { JobClient } from '../../src/client/job-client.ts';
import { atEnd } from '../support/at-end.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { freshNamespace } from '../support/fresh-namespace.ts';
import { Processes } from '../support/processes.ts';

const processes = new Processes();

test('twenty deploys, SIGTERMs and SIGKILLs of real workers: four Markov chains are bit for bit what they are without', async () => {
  const temporal = await freshNamespace();
  const ledger = await freshLedger({ namespace: temporal.namespace });
  const cwd = await mkdtemp(path.join(tmpdir(), 'lockkeeper-mcmc-'));
  atEnd(() => rm(cwd, { recursive: true }));
  const env = { ...temporal.env, DATABASE_URL: ledger.databaseUrl };
  const example = processes.node('examples/mcmc/start.ts', [], { env, cwd });
  const { code } = await example.ended({ within: 480_000 });
  expect(code, `${example.stdout}\n${example.stderr}`).toBe(0);
  expect(example.stdout).toContain('Twenty interruptions, and not one bit is different.');
  expect(example.stdout).toContain('ktktDktktDktktDktktD');

  const jobs = new JobClient(temporal.client, ledger);
  for (const chain of [0, 1, 2, 3]) {
    const input = { seed: 1986, chain, batches: 400 };
    let here = begin(input);
    while (!hasEnded(here, input)) here = advance(here, input);
    const handle = jobs.handle(`interrupted-chain-${chain}`);
    expect((await handle.result()) as ChainState).toStrictEqual(here);
    // At least by the four deploys, which hit every chain.
    expect((await handle.row())?.interruptions).toBeGreaterThanOrEqual(4);
    expect((await jobs.handle(`alone-chain-${chain}`).row())?.interruptions).toBe(0);
  }
}, 500_000);
