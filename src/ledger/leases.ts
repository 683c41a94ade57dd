import type { DeployRef } from '../protocol.ts';
import type { Ledger } from './pool.ts';

/** Keeps the task token of an external step for the one who knows the nonce. */
export async function writeLease(
  ledger: Ledger,
  ref: DeployRef,
  lease: { n: number; attempt: number; nonce: string; taskToken: Uint8Array },
): Promise<void> {
  await ledger.pool.query(
    `insert into lockkeeper._leases (namespace, environment, deploy, n, attempt, nonce, task_token) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (namespace, environment, deploy, n, attempt) do update set nonce = excluded.nonce, task_token = excluded.task_token, at = now()`,
    [ledger.namespace, ref.environment, ref.deploy, lease.n, lease.attempt, lease.nonce, lease.taskToken],
  );
}

export async function readLease(
  ledger: Ledger,
  ref: DeployRef,
  lease: { n: number; attempt: number; nonce: string },
): Promise<Buffer | undefined> {
  const { rows } = await ledger.pool.query<{ task_token: Buffer }>(
    `select task_token from lockkeeper._leases
     where namespace = $1 and environment = $2 and deploy = $3 and n = $4 and attempt = $5 and nonce = $6`,
    [ledger.namespace, ref.environment, ref.deploy, lease.n, lease.attempt, lease.nonce],
  );
  return rows[0]?.task_token;
}
