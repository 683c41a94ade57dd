import { Command } from 'commander';
import { DeployClient } from '../../client/deploy-client.ts';
import { readSteps } from '../../ledger/deploy-steps.ts';
import type { DeployStepRow } from '../../ledger/deploy-steps.ts';
import type { DeployRow } from '../../ledger/deploys.ts';
import { readAudit, readEvents } from '../../ledger/event-log.ts';
import type { EventRow } from '../../ledger/event-log.ts';
import { readOrder } from '../../ledger/order.ts';
import { waitingIn } from '../../client/waiting.ts';
import { GATES_PLAN, nameOfCode } from '../../protocol.ts';
import { withBoth, withLedger } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { Audit, ShownDeploy as ShownDeployJson, deployJson, holderJson } from '../json/deploys.ts';
import { printAs } from '../json/print.ts';
import { configOption, environmentOption, exits, jsonOption, withExample } from '../options.ts';
import type { EnvironmentOptions, JsonOptions } from '../options.ts';
import { formatTime, table } from '../table.ts';
import { print, widthOf } from '../terminal.ts';
import { environmentOf } from '../who.ts';
import { waitingLines } from './waiting.ts';
import type { Waits } from './waiting.ts';
import { auditTable } from './audit.ts';
import { knownDeploy } from './known-deploy.ts';
import { describeLive, liveStatus, whatToDo } from './live-status.ts';
import type { Live } from './live-status.ts';

export interface DeployShowOptions extends EnvironmentOptions, JsonOptions {
  readonly audit?: boolean;
}

export interface ShownDeploy {
  readonly deploy: DeployRow;
  readonly steps: readonly DeployStepRow[];
  readonly events: readonly EventRow[];
  readonly live: Live | undefined;
  readonly waits: Waits | undefined;
  /** Whoever has the lock. */
  readonly holder: DeployRow | undefined;
}

/** Everything the ledger knows of a deploy and, while it runs, what it says itself. */
export async function deployShow(id: string, options: DeployShowOptions): Promise<number> {
  const environment = await environmentOf(options);
  if (options.audit) return showAudit(environment, id, options);
  const shown = await withBoth(async ({ temporal, ledger }): Promise<ShownDeploy> => {
    const deploy = await knownDeploy(ledger, environment, id);
    const [steps, order, events] = await Promise.all([
      readSteps(ledger, environment, id),
      readOrder(ledger, environment),
      readEvents(ledger, environment, id),
    ]);
    const live = deploy.outcome ? undefined : await liveStatus(new DeployClient(temporal.client, environment), id);
    return { deploy, steps, events, live, waits: waitingIn(order, id), holder: order.holder };
  });
  if (options.json)
    printAs(ShownDeployJson, {
      ...shown,
      deploy: deployJson(shown.deploy, shown.waits),
      holder: shown.holder && holderJson(shown.holder),
    });
  else print(describeDeploy(shown, widthOf(process.stdout)));
  return EXIT.ok;
}

/** The record alone: who did what, when, and why. It needs the ledger and nothing else. */
async function showAudit(environment: string, id: string, { json }: JsonOptions): Promise<number> {
  const events = await withLedger(async (ledger) => {
    await knownDeploy(ledger, environment, id);
    return readAudit(ledger, environment, id);
  });
  if (json) printAs(Audit, { deploy: id, environment, events });
  else print(auditTable(events, widthOf(process.stdout)));
  return EXIT.ok;
}

export function describeDeploy({ deploy, steps, events, live, waits, holder }: ShownDeploy, width?: number): string {
  const { version, parameters } = deploy.request;
  const state = deploy.outcome ?? (live ? describeLive(live) : 'not ended, and it neither runs nor waits');
  return [
    `deploy ${deploy.id} of ${deploy.environment}: ${state}`,
    ...whatToDo(live),
    ...(waits ? waitingLines(deploy.id, waits) : []),
    ...(holder && !deploy.outcome ? [describeLock(holder, deploy.id)] : []),
    ...(deploy.outcomeReason ? [`reason: ${deploy.outcomeReason}`] : []),
    `plan ${deploy.plan}${version === undefined ? '' : `, version ${version}`}, requested by ${deploy.requestedBy} at ${formatTime(deploy.requestedAt)}`,
    ...(parameters ? [`parameters: ${describeDetail(parameters)}`] : []),
    `code ${deploy.code}, ${deploy.direction}; ${deploy.runIds.length === 1 ? '1 run' : `${deploy.runIds.length} runs`}`,
    ...(steps.length > 0 ? ['', stepTable(steps, width)] : []),
    ...(events.length > 0 ? ['', eventTable(events, width)] : []),
  ].join('\n');
}

/** Who has the lock, since when, and what for. */
function describeLock(holder: DeployRow, asked: string): string {
  const { version, parameters } = holder.request;
  const who = holder.id === asked ? 'it has the lock' : `the lock is held by deploy ${holder.id}`;
  const what = version === undefined ? `plan ${holder.plan}` : `plan ${holder.plan}, version ${version}`;
  const why = holder.plan === GATES_PLAN && parameters?.['reason'] ? `: ${parameters['reason']}` : '';
  const since = formatTime(holder.lockGrantedAt ?? holder.turnAt);
  return `${who} since ${since}, at code ${holder.code}, ${nameOfCode(holder.code)} (${what}, by ${holder.requestedBy}${why})`;
}

const stepTable = (steps: readonly DeployStepRow[], width: number | undefined) =>
  table(
    ['STEP', 'TYPE', 'STATE', 'STARTED', 'ENDED', 'NOTE'],
    steps.map((step) => [
      `${step.n} ${step.name}`,
      step.type,
      step.state,
      formatTime(step.startedAt),
      formatTime(step.endedAt),
      step.note,
    ]),
    { width, leaveOut: ['STARTED', 'TYPE', 'ENDED'] },
  );

const eventTable = (events: readonly EventRow[], width: number | undefined) =>
  table(
    ['AT', 'WHO', 'WHAT', 'DETAIL'],
    events.map((event) => [formatTime(event.at), event.actor, event.event, describeDetail(event.detail)]),
    { width },
  );

const describeDetail = (detail: EventRow['detail']) =>
  Object.entries(detail)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');

export function deployShowCommand(): Command {
  const command = new Command('show')
    .description('everything about one deploy: request, steps, what happened, where it is')
    .argument('<id>', 'the deploy')
    .option('--audit', 'only the record: who did what, when, and why')
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(deployShow));
  return withExample(command, 'lockkeeper deploy show v42');
}
