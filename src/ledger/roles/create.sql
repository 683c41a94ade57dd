-- Group roles, for logins to be members of. A role belongs to the whole cluster: another ledger may have made it.
do $$
declare
  role text;
begin
  foreach role in array array['lockkeeper_worker', 'lockkeeper_reader'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = role) then
      begin
        execute pg_catalog.format('create role %I nologin', role);
      exception
        -- An administrator has to; whoever migrates is told.
        when insufficient_privilege then null;
        -- The migration of another database was faster.
        when duplicate_object or unique_violation then null;
      end;
    end if;
  end loop;
end
$$;
