import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { migrateLedger } from '../../src/ledger/migrate.ts';
import { atEnd } from '../support/at-end.ts';
import { freshDatabase } from '../support/database.ts';
import { connectAs, outcomeOf, run, urlAs } from '../support/logins.ts';
import { quietLog } from '../support/quiet-log.ts';
import { readPage } from './pages.ts';

const [owner, logins] = readPage('docs/security.md').blocks.filter((block) => block.lang === 'sql');
const PASSWORD = randomUUID();
/** Logins are of the whole server: those of this test have names of their own. */
const ID = `test_${randomUUID().replaceAll('-', '')}`;
const ours = (text: string) => text.replaceAll('…', PASSWORD).replaceAll('app_', `${ID}_`);

test('set up as the page says: the owner migrates, workers write, dashboards read', async () => {
  const admin = await freshDatabase({ empty: true });
  const as = (login: string) => ({ name: login, url: urlAs(admin, `${ID}_${login}`, PASSWORD) });
  await run(admin, ours(owner!.text), `alter database ${new URL(admin).pathname.slice(1)} owner to ${ID}_owner`);
  atEnd(() =>
    run(admin, `reassign owned by ${ID}_owner to current_user`, `drop owned by ${ID}_owner`, `drop role ${ID}_owner`),
  );
  const { url } = as('owner');
  await migrateLedger(url, quietLog);
  await run(url, 'create table public.city (name text)');
  // Here the roles are those of a template that somebody else has migrated: whose they are may hand them out.
  await run(admin, ours(logins!.text));
  for (const login of ['worker', 'dashboard'])
    atEnd(() => run(admin, `drop owned by ${ID}_${login}`, `drop role ${ID}_${login}`));

  const worker = await connectAs(as('worker'));
  const dashboard = await connectAs(as('dashboard'));
  const outcomes = async (statement: string) => [
    await outcomeOf(worker, statement),
    await outcomeOf(dashboard, statement),
  ];
  expect(await outcomes('select from lockkeeper.jobs')).toEqual(['done', 'done']);
  expect(await outcomes('select from lockkeeper._jobs')).toEqual(['done', '42501']);
  expect(await outcomes(`insert into city (name) values ('Ghent')`)).toEqual(['done', '42501']);
  expect(await outcomes('delete from city')).toEqual(['42501', '42501']);
});
