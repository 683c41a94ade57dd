import { Command, Option } from 'commander';
import { countNotices, listNotices } from '../../ledger/notice-list.ts';
import type { NoticeRow } from '../../ledger/notice-list.ts';
import { withLedger } from '../connections.ts';
import { EXIT } from '../exit-codes.ts';
import { Outbox } from '../json/notices.ts';
import { printAs } from '../json/print.ts';
import { configOption, environmentOption, exits, jsonOption, parseCount, withExample } from '../options.ts';
import type { EnvironmentOptions, JsonOptions } from '../options.ts';
import { formatTime, table } from '../table.ts';
import { print, widthOf } from '../terminal.ts';
import { environmentOf } from '../who.ts';

const STATES: readonly NoticeRow['state'][] = ['pending', 'failed', 'delivered'];

export interface NoticesListOptions extends EnvironmentOptions, JsonOptions {
  readonly state?: NoticeRow['state'];
  readonly limit: number;
}

/** Notices that are still to be told, and those that were given up. */
export async function noticesList(options: NoticesListOptions): Promise<number> {
  const environment = await environmentOf(options);
  const states: readonly NoticeRow['state'][] = options.state ? [options.state] : ['pending', 'failed'];
  const outbox = await withLedger(async (ledger) => ({
    environment,
    counts: await countNotices(ledger, environment),
    notices: await listNotices(ledger, environment, { states, limit: options.limit }),
  }));
  if (options.json) printAs(Outbox, outbox);
  else {
    const { pending, failed, delivered } = outbox.counts;
    if (outbox.notices.length > 0) print(noticeTable(outbox.notices, widthOf(process.stdout)));
    print(`environment ${environment}: ${pending} to be told, ${failed} given up, ${delivered} told in the last day`);
  }
  return EXIT.ok;
}

export const noticeTable = (notices: readonly NoticeRow[], width?: number) =>
  table(
    ['EVENT', 'OF', 'TO', 'STATE', 'TRIED', 'HAPPENED', 'NEXT', 'ERROR'],
    notices.map((notice) => [
      notice.event,
      notice.subject,
      notice.receiver,
      notice.state,
      notice.attempts,
      formatTime(notice.at),
      notice.state === 'pending' ? formatTime(notice.dueAt) : undefined,
      notice.error ?? undefined,
    ]),
    { width, leaveOut: ['NEXT', 'TRIED', 'HAPPENED'] },
  );

export function noticesListCommand(): Command {
  const command = new Command('list')
    .description('notices that are still to be told, and those that were given up, latest first (default)')
    .addOption(new Option('--state <state>', 'only those').choices(STATES))
    .option('--limit <n>', 'how many', parseCount, 50)
    .addOption(environmentOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(noticesList));
  return withExample(command, 'lockkeeper notices list --state failed');
}
