import { Command } from 'commander';
import { DeployClient } from '../../client/deploy-client.ts';
import type { DeployEnd, DeployEvent } from '../../client/run-deploy.ts';
import { isLockkeeperError } from '../../errors.ts';
import { readDeploy } from '../../ledger/deploys.ts';
import type { Ledger } from '../../ledger/pool.ts';
import { withLedgerIfThere, withTemporal } from '../connections.ts';
import { EXIT, exitCodeOfDeploy } from '../exit-codes.ts';
import { WatchLine } from '../json/deploys.ts';
import { printLineAs } from '../json/print.ts';
import { configOption, environmentOption, exits, jsonOption, timeoutOption, withExample } from '../options.ts';
import type { EnvironmentOptions, JsonOptions } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import { print } from '../terminal.ts';
import { environmentOf } from '../who.ts';
import { awaitDeploy } from './await-deploy.ts';
import { narrator, tellOfDeploy } from './narrator.ts';
import type { Narrator } from './narrator.ts';
import { endJson, printEnd } from './result.ts';
import type { Ended } from './result.ts';
import { describeLockHolder } from './waiting.ts';

export interface DeployWatchOptions extends EnvironmentOptions, JsonOptions {
  /** Milliseconds. */
  readonly timeout?: number;
}

/** Follows a deploy that somebody else asked for, and ends as it ends. Without an id: the one that runs, or is next. */
export async function deployWatch(id: string | undefined, options: DeployWatchOptions): Promise<number> {
  const environment = await environmentOf(options);
  return withTemporal(({ client }) =>
    withLedgerIfThere(async (ledger) => {
      const deploys = new DeployClient(client, environment);
      const holder = await deploys.holder();
      const followed = id ?? holder?.deploy ?? (await deploys.next());
      if (followed === undefined) return nothing(environment, options);
      if (!options.json && holder?.deploy === followed) tellOfDeploy(`Following ${describeLockHolder(holder)}`);
      const ended = await watch(deploys, followed, ledger, options);
      if (!options.json) return printEnd(ended, options);
      printLineAs(WatchLine, { event: 'end', at: new Date(), ...endJson(ended) });
      return exitCodeOfDeploy(ended.end, ended.stoppedBy);
    }),
  );
}

function nothing(environment: string, { json }: JsonOptions): number {
  if (json) printLineAs(WatchLine, { event: 'nothing', at: new Date(), environment });
  else
    print(`no deploy runs in ${environment}, and none waits; \`lockkeeper deploy list\` shows those that have ended`);
  return EXIT.ok;
}

async function watch(
  deploys: DeployClient,
  id: string,
  ledger: Ledger | undefined,
  { json, timeout }: DeployWatchOptions,
): Promise<Ended> {
  const began = Date.now();
  const stop = stopOnSignals();
  const { onEvent, end: endTelling } = json ? jsonLines() : narrator(ledger, id);
  const { environment } = deploys;
  let underWay = false;
  const seen = (event: DeployEvent) => {
    underWay = true;
    onEvent(event);
  };
  try {
    const end = await awaitDeploy({
      deploys,
      id,
      timeoutMs: timeout,
      signal: stop.signal,
      onEvent: seen,
    });
    const endedEarlier = end.kind === 'ended' && !underWay;
    return { id, environment, end, ...(!endedEarlier && { ms: Date.now() - began }), stoppedBy: stop.by() };
  } catch (error) {
    if (!isLockkeeperError(error, 'DEPLOY_NOT_CURRENT')) throw error;
    const end = await endedBefore(deploys, id, ledger);
    if (!end) throw error;
    return { id, environment, end };
  } finally {
    await endTelling();
  }
}

/** How a deploy ended that is neither running nor waiting: the ledger keeps that for good, Temporal for a while. */
async function endedBefore(
  deploys: DeployClient,
  id: string,
  ledger: Ledger | undefined,
): Promise<DeployEnd | undefined> {
  const kept = ledger && (await readDeploy(ledger, deploys.environment, id).catch(elseAskTemporal));
  const { outcome, reason } = kept
    ? { outcome: kept.outcome, reason: kept.outcomeReason }
    : ((await deploys.endedAs(id)) ?? {});
  return outcome && { kind: 'ended', outcome, ...(reason !== undefined && { reason }) };
}

/** That the ledger has no such deploy is an answer; that it is away, or that this is another database, is none. */
function elseAskTemporal(error: unknown): undefined {
  if (isLockkeeperError(error)) throw error;
}

/** Each change as a line of JSON, once however often it is seen. */
function jsonLines(): Narrator {
  let last = '';
  return {
    onEvent(event) {
      const line = lineOf(event);
      const now = JSON.stringify(line);
      if (line && now !== last) printLineAs(WatchLine, { ...line, at: new Date() });
      last = now;
    },
    end: () => Promise.resolve(),
  };
}

/** Only whoever runs the command of a deploy hears of its command and its lease. */
function lineOf(event: DeployEvent) {
  switch (event.kind) {
    case 'waiting':
      return {
        event: event.kind,
        ahead: event.ahead,
        holder: event.holder,
        waitsFor: event.waitsFor,
        freeze: event.freeze,
      } as const;
    case 'status':
      return { event: event.kind, status: event.status } as const;
    case 'noAnswer':
      return { event: event.kind, reason: event.reason } as const;
    case 'runLost':
      return { event: event.kind, how: event.how } as const;
    default:
      return undefined;
  }
}

export function deployWatchCommand(): Command {
  const command = new Command('watch')
    .description('follow a deploy that somebody else asked for until it ends, and end as it ends')
    .argument('[id]', 'the deploy (default: the one that runs, or is next)')
    .addOption(timeoutOption())
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(deployWatch));
  return withExample(command, 'lockkeeper deploy watch v42 --environment production');
}
