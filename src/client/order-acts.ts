import { defineUpdate } from '@temporalio/workflow';
import type { Client } from '@temporalio/client';
import type { DeployAct, DeployTicket, FreezeAct, FreezeAnswer } from '../protocol.ts';
import type { Asking } from './asking.ts';
import { coordinatorWithStart } from './coordinator.ts';
import { refusalOf } from './update-errors.ts';

type Word<Act, K> = Omit<Extract<Act, { act: K }>, 'act'>;

/**
 * What people say about the order of deploys. Each is in the ledger, with who and why, before it is answered. `by` is whom the
 * caller says: whoever reaches Temporal may say anything.
 */
export class OrderActs {
  readonly #client: Client;
  readonly #environment: string;
  readonly #asking: Asking;

  constructor(client: Client, environment: string, asking: Asking) {
    this.#client = client;
    this.#environment = environment;
    this.#asking = asking;
  }

  /**
   * Approves a deploy; with enough approvals it has its place in the order. The same person counts once.
   * @throws {LockkeeperError} APPROVAL_REFUSED, DEPLOY_NOT_FOUND, DEPLOY_NOT_CURRENT
   * @example await deploys.order.approve({ deploy: 'v42', by: 'ann' });
   */
  approve(word: Word<DeployAct, 'approve'>): Promise<DeployTicket> {
    return this.#say<DeployAct, DeployTicket>({ act: 'approve', ...word });
  }

  /**
   * Takes back one's approval, as long as the turn of the deploy has not come; with too few left it loses its place.
   * @throws {LockkeeperError} APPROVAL_REFUSED, DEPLOY_NOT_FOUND, DEPLOY_NOT_CURRENT
   */
  revoke(word: Word<DeployAct, 'revoke'>): Promise<DeployTicket> {
    return this.#say<DeployAct, DeployTicket>({ act: 'revoke', ...word });
  }

  /**
   * Puts an approved deploy before all that are not expedited; `throughFreeze`: a freeze does not hold it.
   * @throws {LockkeeperError} DEPLOY_NOT_APPROVED, DEPLOY_NOT_FOUND, DEPLOY_NOT_CURRENT
   */
  expedite(word: Word<DeployAct, 'expedite'>): Promise<DeployTicket> {
    return this.#say<DeployAct, DeployTicket>({ act: 'expedite', ...word });
  }

  /**
   * From now on no deploy is given the lock; the one that has it ends as usual. `until`: an ISO time with its zone.
   * @throws {LockkeeperError} DEPLOY_INVALID for an end that is over
   */
  freeze(word: Word<FreezeAct, 'freeze'>): Promise<FreezeAnswer> {
    return this.#say<FreezeAct, FreezeAnswer>({ act: 'freeze', ...word });
  }

  /** Ends a freeze by hand; the answer tells of a window that still holds deploys back. */
  unfreeze(word: Word<FreezeAct, 'unfreeze'>): Promise<FreezeAnswer> {
    return this.#say<FreezeAct, FreezeAnswer>({ act: 'unfreeze', ...word });
  }

  #say<Act extends DeployAct | FreezeAct, Answer>({ act, ...word }: Act): Promise<Answer> {
    return this.#asking.ask(async () => {
      try {
        return await this.#client.workflow.executeUpdateWithStart(defineUpdate<Answer, [unknown]>(act), {
          args: [word],
          startWorkflowOperation: coordinatorWithStart(this.#environment),
        });
      } catch (error) {
        throw refusalOf(error);
      }
    });
  }
}
