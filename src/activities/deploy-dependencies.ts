import type { Client } from '@temporalio/client';
import type { Ledger } from '../ledger/pool.ts';
import type { Logger } from '../log.ts';
import type { FreezeWindow } from '../order/freeze-windows.ts';
import type { ResolvedPlan } from '../protocol.ts';

/** What the activities of a deploy worker are made with. */
export interface DeployDependencies {
  readonly ledger: Ledger;
  readonly ledgerId: string;
  readonly client: Client;
  readonly log: Logger;
  /** The queues of the environment that the deploy worker's config knows. */
  readonly taskQueues: readonly string[];
  /** Times again and again in which no deploy is given the lock. */
  readonly freezeWindows: readonly FreezeWindow[];
  /** Fires when this worker stops: long waits return, commands are ended. */
  readonly stopping: AbortSignal;
  /** The plan of a request with all its defaults. @throws {LockkeeperError} DEPLOY_INVALID */
  resolvePlan(name: string, parameters: Readonly<Record<string, string>>): ResolvedPlan;
  /** The URL of a database that `migrate` steps may name. @throws {LockkeeperError} CONFIG_INVALID */
  databaseUrl(name: string): string;
  /** Where the output of commands goes. */
  output(line: {
    readonly deploy: string;
    readonly step: string;
    readonly stream: 'stdout' | 'stderr';
    readonly text: string;
  }): void;
}
