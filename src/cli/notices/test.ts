import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { loadConfig } from '../../config/index.ts';
import { LockkeeperError } from '../../errors.ts';
import { checkJobOwner } from '../../jobs/owner.ts';
import type { Notice } from '../../notices/notice.ts';
import type { Told } from '../../notices/receiver.ts';
import { receiversOf } from '../../notices/receivers.ts';
import { EXIT } from '../exit-codes.ts';
import { TestedReceivers } from '../json/notices.ts';
import { printAs } from '../json/print.ts';
import { configOption, exits, jsonOption, withExample } from '../options.ts';
import type { ConfigOptions, JsonOptions } from '../options.ts';
import { table } from '../table.ts';
import { print } from '../terminal.ts';

export interface NoticesTestOptions extends ConfigOptions, JsonOptions {
  readonly owner?: string;
}

/** Sends a notice to every receiver of the config, from here and at once: neither Temporal nor the ledger is asked. */
export async function noticesTest(options: NoticesTestOptions): Promise<number> {
  const config = await loadConfig(options.config);
  const owner = options.owner === undefined ? undefined : checkJobOwner(options.owner);
  if (config.notices.length === 0) {
    throw new LockkeeperError('USAGE', `${config.file} has no receivers of notices`, {
      next: 'Name one under `notices`',
    });
  }
  const notice: Notice = {
    id: randomUUID(),
    type: 'test',
    timestamp: new Date().toISOString(),
    data: { environment: config.environment },
  };
  const tested = await Promise.all(
    receiversOf(config.notices, process.env).map(async (receiver) => {
      if (receiver.toOwner && owner === undefined) return { receiver: receiver.name, ...TO_NOBODY };
      return { receiver: receiver.name, ...(await receiver.tell(notice, owner)) };
    }),
  );
  if (options.json) printAs(TestedReceivers, tested);
  else print(testedTable(tested));
  return tested.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed;
}

const TO_NOBODY: Told = {
  ok: false,
  error: 'not sent: it goes to the owner of a job, or to who asked for a deploy; say which with --owner',
};

const testedTable = (tested: readonly ({ readonly receiver: string } & Told)[]) =>
  table(
    ['RECEIVER', 'TOLD', 'WHAT CAME BACK'],
    tested.map((one) => [
      one.receiver,
      one.ok ? 'yes' : 'no',
      one.ok ? one.said : [one.error, one.said].filter(Boolean).join(': '),
    ]),
  );

export function noticesTestCommand(): Command {
  const command = new Command('test')
    .description('send a notice to every receiver of lockkeeper.yaml, and say what comes back')
    .option('--owner <owner>', 'whom to take for the owner of a job, or who asked for a deploy, where mail goes there')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(exits(noticesTest));
  return withExample(command, 'lockkeeper notices test --owner ada@example.org');
}
