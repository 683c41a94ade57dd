-- Up Migration
-- Who approved which deploy, and what holds all deploys of an environment back.

-- One row an environment. Whoever gives numbers in its order, or takes them, holds this row's lock: numbers are committed in the
-- order in which they are given, so that none is seen before a lower one.
create table lockkeeper._environments (
  namespace text not null,
  environment text not null,
  -- By a person: {reason, by, since, until}. Times in milliseconds since 1970.
  frozen jsonb,
  -- A window of lockkeeper.yaml, as the deploy worker last saw it: {reason, since, until}.
  freeze_window jsonb,
  primary key (namespace, environment)
);

-- Every word about approvals, in order; never updated. What counts is the last word of each person.
create table lockkeeper._approvals (
  id bigint primary key generated always as identity,
  namespace text not null,
  environment text not null,
  deploy text not null,
  person text not null,
  act text not null check (act in ('approve', 'revoke', 'expire')),
  reason text,
  at timestamptz not null default clock_timestamp(),
  foreign key (namespace, environment, deploy) references lockkeeper._deploys
);
create index on lockkeeper._approvals (namespace, environment, deploy, id);

create view lockkeeper.approvals as select * from lockkeeper._approvals;
create view lockkeeper.environments as select * from lockkeeper._environments;
