/** The work of every contestant: items, each an INSERT; no unique index, so that what is done twice shows. */
export const ITEM_TABLE =
  'create table item (job text not null, n integer not null, pid integer not null, at timestamptz not null default clock_timestamp())';
export const INSERT = 'insert into item (job, n, pid) values ($1, $2, $3)';
