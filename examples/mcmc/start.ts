/**
 * Four Markov chains with twenty interruptions, and again without any: draw for draw the same. `npm run example:mcmc`; with
 * `-- --keep` everything stays up afterwards, to be looked at in the Web UI.
 */
import { isDeepStrictEqual } from 'node:util';
import { fileURLToPath } from 'node:url';
import type { JobHandle } from 'lockkeeper';
import { spentIn } from '../one-machine/history.ts';
import { onOneMachine } from '../one-machine/on-one-machine.ts';
import type { OneMachine } from '../one-machine/one-machine.ts';
import { allAsExpected, say, table } from '../one-machine/story.ts';
import { inTime } from '../one-machine/waiting.ts';
import type { Check } from '../one-machine/story.ts';
import { BATCH, QUANTITY_NAMES } from './chain.ts';
import type { ChainState } from './chain.ts';
import { diagnose } from './diagnostics.ts';
import { INTERRUPTIONS, interrupt } from './interruptions.ts';
import { sampleChain } from './jobs.ts';
import { LAUNCHES } from './launches.ts';

const CHAINS = [0, 1, 2, 3];
const SEED = 1986;
const BATCHES = 400;
/** Between two batches, milliseconds: longer than twenty interruptions take on a slow machine, all in all. */
const PAUSE = 600;

process.exitCode = await onOneMachine(
  { name: 'mcmc', config: fileURLToPath(new URL('lockkeeper.yaml', import.meta.url)) },
  async (machine) => {
    machine.env['MCMC_PAUSE'] = String(PAUSE);
    await machine.replaceWorkers('v1');
    const draws = (CHAINS.length * BATCHES * BATCH).toLocaleString('en');
    say(`${draws} draws from the posterior of ${LAUNCHES.length} launches, in ${CHAINS.length} chains`);
    say(`${INTERRUPTIONS} interruptions: k SIGKILL, t SIGTERM, D deploy`);
    const chains = await start(machine, 'interrupted');
    const times = await interrupt(machine, chains);
    const interrupted = await results(chains);
    say('The same chains, left alone');
    const alone = await results(await start(machine, 'alone'));

    console.log(diagnosed(interrupted));
    console.log(compared(interrupted, alone));
    const good = allAsExpected([
      ['SIGKILLs', times.SIGKILL, 8],
      ['SIGTERMs', times.SIGTERM, 8],
      ['deploys', times.deploy, 4],
      ...(await counted(machine, chains)),
      ['chains', alone.length, CHAINS.length],
      ['of them the same, draw for draw and in their last state', same(interrupted, alone), CHAINS.length],
    ]);
    if (good) console.log('Twenty interruptions, and not one bit is different.');
    if (process.argv.includes('--keep'))
      await machine.lookAround([...chains.map((chain) => chain.id), 'deploy-coordinator/mcmc']);
    return good;
  },
);

function start({ lockkeeper: { jobs } }: OneMachine, name: string) {
  return Promise.all(
    CHAINS.map((chain) =>
      jobs.start(sampleChain, { seed: SEED, chain, batches: BATCHES }, { id: `${name}-chain-${chain}` }),
    ),
  );
}

function results(chains: readonly JobHandle<ChainState>[]): Promise<ChainState[]> {
  return inTime(Promise.all(chains.map((chain) => chain.result())), 'the chains have not ended');
}

function same(these: readonly ChainState[], those: readonly ChainState[]): number {
  return these.filter((state, i) => isDeepStrictEqual(state, those[i])).length;
}

function diagnosed(states: readonly ChainState[]): string {
  const rows = QUANTITY_NAMES.map((name) => {
    const { mean, error, sd, rHat, effectiveSize } = diagnose(
      states.flatMap(({ halves }) => halves.map((h) => h[name])),
    );
    return [name, mean.toFixed(4), error.toFixed(4), sd.toFixed(4), rHat.toFixed(5), Math.round(effectiveSize)];
  });
  return table(['quantity', 'mean', '± error', 'sd', 'R-hat', 'effective size'], rows);
}

function compared(these: readonly ChainState[], those: readonly ChainState[]): string {
  return table(
    ['SHA-256 of all draws', 'interrupted', 'left alone'],
    these.map(({ digest }, i) => [`chain ${i}`, digest.slice(0, 16), those[i]!.digest.slice(0, 16)]),
  );
}

/** From the ledger and the histories. */
async function counted({ lockkeeper }: OneMachine, chains: readonly JobHandle[]): Promise<Check[]> {
  const rows = await Promise.all(chains.map((chain) => chain.row()));
  const spent = await Promise.all(chains.map(({ id }) => spentIn(lockkeeper.temporal.client, id)));
  return [
    ['interruptions of chains, by the ledger', rows.reduce((sum, row) => sum + row!.interruptions, 0), undefined],
    ['failed or timed-out activities in histories', spent.reduce((sum, { failed }) => sum + failed, 0), 0],
  ];
}
