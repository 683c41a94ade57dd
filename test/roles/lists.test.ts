import { expect, test } from 'vitest';
import { migrateLedger } from '../../src/ledger/migrate.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { connectAs, freshLogin, outcomeOf, run } from '../support/logins.ts';
import { quietLog } from '../support/quiet-log.ts';

/**
 * Everything in the schema, and who besides its owner may do what with it: w for lockkeeper_worker, r for lockkeeper_reader;
 * a star: with some of its columns. What is new belongs here, and if anybody needs it into `src/ledger/roles/`.
 */
const RELATIONS = {
  _approval_order: ['w: usage'],
  _approvals: ['w: insert*, select'],
  _approvals_id_seq: [],
  _checkpoints: ['w: select'],
  _claims: ['w: select, update*'],
  _deploy_steps: ['w: insert*, select, update*'],
  _deploys: ['w: insert*, select, update*'],
  _environments: ['w: insert*, select, update*'],
  _events: ['w: insert*, select'],
  _events_id_seq: [],
  _fencing_token: ['w: usage'],
  _gates: ['w: insert*, select, update*'],
  _jobs: ['w: select, update*'],
  _leases: ['w: insert, select, update*'],
  _ledger: ['w: select'],
  _migrations: ['w: select'],
  _migrations_id_seq: [],
  _notices: ['w: delete, select, update*'],
  _notices_number_seq: [],
  _receivers: ['w: delete, insert, select, update*'],
  _session_locks: ['w: select'],
  _workers: ['w: insert*, select, update*'],
  _workers_session_lock_seq: [],
  approvals: ['r: select', 'w: select'],
  checkpoints: ['r: select', 'w: select'],
  claims: ['r: select', 'w: select'],
  deploy_steps: ['r: select', 'w: select'],
  deploys: ['r: select', 'w: select'],
  environments: ['r: select', 'w: select'],
  events: ['r: select', 'w: select'],
  gates: ['r: select', 'w: select'],
  jobs: ['r: select', 'w: select'],
  notices: ['r: select', 'w: select'],
  workers: ['r: select', 'w: select'],
};

/** `as owner`: with the rights of the schema's owner, and so with a search_path that nobody can change. */
const FUNCTIONS = {
  _deploy_event_added: ['as owner'],
  _deploy_notice: [],
  _end_session: ['w: execute', 'as owner'],
  _gate_changed: [],
  _job_changed: ['as owner'],
  _job_event: [],
  _notify: [],
  _stopping_step: [],
  bind_ledger: ['w: execute', 'as owner'],
  cannot_restore: ['w: execute', 'as owner'],
  claim_slice: ['w: execute', 'as owner'],
  end_claim: ['w: execute', 'as owner'],
  end_sessions: ['w: execute'],
  is_drained: ['w: execute'],
  is_mail_address: [],
  reseal_checkpoint: ['w: execute', 'as owner'],
  reseal_texts: ['w: execute', 'as owner'],
  save_checkpoint: ['w: execute', 'as owner'],
  save_checkpoint_or_fail: ['w: execute'],
  save_checkpoints: ['w: execute', 'as owner'],
  worker_gone: ['w: execute', 'as owner'],
};

const ledger = await freshLedger();

/** For the sentences above. Everybody, and any other role, by name. */
const WHO = `case grantee when 0 then 'public' else replace(replace(grantee::regrole::text, 'lockkeeper_worker', 'w'), 'lockkeeper_reader', 'r') end`;

test('everything in the schema is in the lists of the roles, with these rights and no others', async () => {
  const { rows } = await ledger.pool.query<{ name: string; rights: string[] }>(
    `with rights as (
       select c.oid, a.grantee, lower(a.privilege_type) as privilege from pg_class c, aclexplode(c.relacl) a
       where c.relnamespace = 'lockkeeper'::regnamespace and a.grantee <> c.relowner
       union
       select c.oid, a.grantee, lower(a.privilege_type) || '*' from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
       where c.relnamespace = 'lockkeeper'::regnamespace and a.grantee <> c.relowner),
     told as (select oid, ${WHO} || ': ' || string_agg(privilege, ', ' order by privilege) as told from rights group by oid, grantee)
     select c.relname as name, coalesce(array_agg(t.told order by t.told) filter (where t.told is not null), '{}') as rights
     from pg_class c left join told t using (oid)
     where c.relnamespace = 'lockkeeper'::regnamespace and c.relkind <> 'i' group by c.relname`,
  );
  expect(Object.fromEntries(rows.map((row) => [row.name, row.rights]))).toEqual(RELATIONS);
});

test('every function, too; none is of everybody, and none that runs as the owner has a search_path of its caller', async () => {
  const { rows } = await ledger.pool.query<{ name: string; rights: string[]; careless: boolean }>(
    `select p.proname as name,
       array(select ${WHO} || ': execute' from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) where grantee <> p.proowner order by 1)
         || case when p.prosecdef then array['as owner'] else '{}' end as rights,
       p.prosecdef and p.proconfig is distinct from array['search_path=pg_catalog, pg_temp'] as careless
     from pg_proc p where p.pronamespace = 'lockkeeper'::regnamespace`,
  );
  expect(Object.fromEntries(rows.map((row) => [row.name, row.rights]))).toEqual(FUNCTIONS);
  expect(rows.filter((row) => row.careless)).toEqual([]);
});

test('neither role may more in the schema than use it, nor log in, nor is it a member of anything', async () => {
  const { rows } = await ledger.pool.query(
    `select r.rolname, r.rolcanlogin, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls,
       has_schema_privilege(r.oid, 'lockkeeper', 'usage') as uses, has_schema_privilege(r.oid, 'lockkeeper', 'create') as creates,
       exists (select from pg_auth_members m where m.member = r.oid) as member
     from pg_roles r where r.rolname in ('lockkeeper_worker', 'lockkeeper_reader') order by 1`,
  );
  const plain = {
    rolcanlogin: false,
    rolsuper: false,
    rolcreaterole: false,
    rolcreatedb: false,
    rolreplication: false,
  };
  const rights = { rolbypassrls: false, uses: true, creates: false, member: false };
  expect(rows).toEqual(['lockkeeper_reader', 'lockkeeper_worker'].map((rolname) => ({ rolname, ...plain, ...rights })));
});

test('what is added later and nobody grants is closed to both', async () => {
  const { databaseUrl } = await freshLedger();
  const logins = [
    await freshLogin(databaseUrl, 'in role lockkeeper_worker'),
    await freshLogin(databaseUrl, 'in role lockkeeper_reader'),
  ];
  await run(
    databaseUrl,
    'create table lockkeeper._later (n integer)',
    'create view lockkeeper.later as select * from lockkeeper._later',
    `create function lockkeeper.later() returns integer language sql as 'select 1'`,
  );
  await migrateLedger(databaseUrl, quietLog);
  for (const login of logins) {
    const client = await connectAs(login);
    for (const what of ['select from lockkeeper._later', 'select from lockkeeper.later', 'select lockkeeper.later()'])
      expect(await outcomeOf(client, what), what).toBe('42501');
  }
});
