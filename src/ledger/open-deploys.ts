import type { ApprovalLine } from '../order/approvals.ts';
import type { OpenDeploy } from '../order/decide.ts';
import { deployRow } from './deploys.ts';
import type { DeployRow, RawDeploy } from './deploys.ts';
import type { Ledger, Queryable } from './pool.ts';

/** A deploy without an outcome, as decisions about the order need it, and its whole row. */
export interface OpenDeployRow extends OpenDeploy {
  readonly row: DeployRow;
}

type Raw = RawDeploy & { readonly lines: readonly ApprovalLine[] };

/** All of an environment, or one. */
export async function readOpenDeploys(
  ledger: Ledger,
  environment: string,
  db: Queryable = ledger.pool,
  id?: string,
): Promise<OpenDeployRow[]> {
  const { rows } = await db.query<Raw>(
    `select d.*, coalesce((
       select jsonb_agg(jsonb_build_object('person', a.person, 'act', a.act, 'at', extract(epoch from a.at) * 1000) order by a.id)
       from lockkeeper._approvals a
       where a.namespace = d.namespace and a.environment = d.environment and a.deploy = d.id), '[]') as lines
     from lockkeeper._deploys d
     where d.namespace = $1 and d.environment = $2 and d.outcome is null and ($3::text is null or d.id = $3)`,
    [ledger.namespace, environment, id ?? null],
  );
  return rows.map((raw) => openDeploy(deployRow(raw), raw.lines));
}

const openDeploy = (row: DeployRow, lines: readonly ApprovalLine[]): OpenDeployRow => ({
  row,
  lines,
  id: row.id,
  requestedBy: row.requestedBy,
  policy: row.policy,
  requestedAt: row.requestedAt.getTime(),
  approvalOrder: row.approvalOrder,
  expeditedOrder: row.expeditedOrder,
  throughFreeze: row.throughFreeze,
  scheduledFor: row.scheduledFor?.getTime(),
  turnAt: row.turnAt?.getTime(),
});
