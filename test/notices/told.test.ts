import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NOTICE_TAKEN_FOR } from '../../src/defaults.ts';
import { isJobNotice } from '../../src/notices/notice.ts';
import { cancellable, count, countUntilTold, failing } from '../app/count-job.ts';
import { atomic } from '../app/misbehaving-jobs.ts';
import { rowsWith } from '../saved-state/scan.ts';
import { atEnd } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { header } from './mailbox.ts';
import { CONFIG, NoticePlace } from './place.ts';

const ADA = 'ada@example.org';
const SOON = { within: 40_000 };

const tellToEnd = (place: NoticePlace, job: string) =>
  place.scene.ledger.pool.query(`insert into effect (job, n, build) values ($1, -1, 'told')`, [job]);

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'lockkeeper-notices-'));
  atEnd(() => rmSync(made, { recursive: true }));
  return made;
}

test('a deploy interrupts a job: its owner hears of it, of its going on and of its end, once each and in order', async () => {
  const place = await NoticePlace.open();
  await place.start('worker');
  await place.start('deploy-worker');
  const job = await place.scene.jobs.start(countUntilTold, undefined, { id: 'import-7', owner: ADA });
  await place.scene.jobs.start(failing, { progress: false, times: 9 }, { id: 'fails', owner: 'team-maps' });
  await eventually(async () => expect((await job.row())?.seq).toBeGreaterThan(10), SOON);
  const cancelled = await place.scene.jobs.start(cancellable, { to: 100_000 }, { id: 'cancelled', owner: 'team-maps' });
  await eventually(async () => expect((await cancelled.row())?.state).toBe('running'), SOON);
  await cancelled.cancel();
  await eventually(() => expect(place.told('cancelled').map(({ type }) => type)).toEqual(['job.cancelled']), SOON);
  const deploy = place.run(['deploy', 'run', '--id', 'v2', '--config', CONFIG, '--', 'sleep', '1']);
  expect(await deploy.ended({ within: 60_000 })).toMatchObject({ code: 0 });
  await tellToEnd(place, 'import-7');
  await job.result();

  await eventually(() => expect(place.told('import-7')).toHaveLength(3), SOON);
  await eventually(() => expect(place.told('fails')).toHaveLength(1), SOON);
  await eventually(() => expect(place.mailbox.mails).toHaveLength(3), SOON);
  expect(place.told('import-7').map(({ type }) => type)).toEqual(['job.interrupted', 'job.resumed', 'job.finished']);
  const ofJobs = place.hook.notices.filter(isJobNotice);
  expect(new Set(ofJobs.map(({ id }) => id)).size).toBe(5);
  expect(place.mailbox.mails.map((mail) => [mail.to, header(mail, 'Subject'), mail.secure])).toEqual([
    [[ADA], '[test] Job import-7 was interrupted', true],
    [[ADA], '[test] Job import-7 goes on', true],
    [[ADA], '[test] Job import-7 is done', true],
  ]);
  // The same notice has the same id, whoever is told.
  expect(place.mailbox.mails.map((mail) => header(mail, 'Message-ID'))).toEqual(
    place.told('import-7').map(({ id }) => `<${id}@example.org>`),
  );
  expect(ofJobs).toHaveLength(5);
  // Why it failed is told to the one whose config says so; the outbox does not have it.
  expect(place.told('fails')).toMatchObject([{ type: 'job.failed', reason: 'failure 1' }]);
  expect(place.hanging.deliveries.length).toBeGreaterThan(0);
  expect(place.hanging.deliveries.map(({ body }) => body).join()).not.toContain('failure 1');
  const outbox = await place.scene.ledger.pool.query<{ row: string }>(
    'select n::text as row from lockkeeper._notices n',
  );
  expect(outbox.rows.map(({ row }) => row).join()).not.toContain('failure 1');

  // Deliveries to the one that hangs fail, and say so.
  const [, deployWorker] = place.started;
  await deployWorker!.waitForLine(/no answer within 10 s.*a notice could not be told yet/, SOON);
  const { ledger } = place.scene;
  expect(await rowsWith(ledger, 'import-7')).not.toEqual([]);
  const written = place.started.map(({ stdout, stderr }) => stdout + stderr).join('\n');
  for (const secret of place.secrets) {
    expect(written).not.toContain(secret);
    expect(await rowsWith(ledger, secret)).toEqual([]);
  }
}, 120_000);

test('a worker is killed: an atomic job is in quarantine, another goes on, and their owner hears of both', async () => {
  const place = await NoticePlace.open();
  const marks = join(folder(), 'marks');
  const worker = await place.start('worker');
  await place.start('deploy-worker');
  await place.scene.jobs.start(atomic, { ms: 60_000, marks }, { id: 'once', owner: ADA });
  const job = await place.scene.jobs.start(countUntilTold, undefined, { id: 'many', owner: ADA });
  await eventually(async () => expect((await job.row())?.seq).toBeGreaterThan(5), SOON);
  await eventually(() => expect(existsSync(marks) && readFileSync(marks, 'utf8')).toBe('begins\n'), SOON);
  worker.kill('SIGKILL');
  await place.start('worker');
  await eventually(() => expect(place.told('many').map(({ type }) => type)).toContain('job.resumed'), SOON);
  await tellToEnd(place, 'many');
  await job.result();
  await eventually(() => {
    expect(place.told('once').map(({ type }) => type)).toEqual(['job.interrupted', 'job.quarantined']);
    expect(place.told('many').map(({ type }) => type)).toEqual(['job.interrupted', 'job.resumed', 'job.finished']);
  }, SOON);
  expect(place.told('once').at(-1)!.reason).toContain('whether its work was done nobody knows');
  await eventually(() => expect(place.slack.deliveries).toHaveLength(1), SOON);
  expect(place.slack.deliveries[0]!.body).toContain('Job once is in quarantine');
  await eventually(() => expect(place.mailbox.mails).toHaveLength(5), SOON);
}, 120_000);

test('a deploy worker that is killed between telling and noting it: it is told again, with the same id', async () => {
  const place = await NoticePlace.open();
  await place.start('worker');
  const dies = await place.start('deploy-worker', {
    LOCKKEEPER_FAILPOINT: `notice.told:kill:${join(folder(), 'told')}`,
  });
  const job = await place.scene.jobs.start(count, { to: 1, everyMs: 0 }, { id: 'short' });
  await job.result();
  expect(await dies.ended()).toMatchObject({ signal: 'SIGKILL' });
  expect(place.told('short')).toHaveLength(1);
  await place.start('deploy-worker');
  await eventually(() => expect(place.told('short')).toHaveLength(2), { within: NOTICE_TAKEN_FOR + 15_000 });
  const [first, again] = place.told('short');
  expect(again).toEqual(first);
}, 120_000);

test('a receiver that fails and closes connections at first: it is tried again, and hears of it once', async () => {
  const place = await NoticePlace.open();
  await place.start('worker');
  await place.start('deploy-worker');
  place.hook.answer = (response) => {
    if (place.hook.deliveries.length === 1) response.writeHead(500).end();
    else if (place.hook.deliveries.length === 2) response.destroy();
    else response.writeHead(204).end();
  };
  await place.scene.jobs.start(count, { to: 1, everyMs: 0 }, { id: 'short' });
  await eventually(() => expect(place.told('short')).toHaveLength(3), { within: 40_000 });
  expect(new Set(place.told('short').map(({ id }) => id)).size).toBe(1);
  const [first, second, third] = place.hook.deliveries.map(({ at }) => at);
  // 5 s and 10 s, jittered by half.
  expect(second! - first!).toBeGreaterThan(2_400);
  expect(third! - second!).toBeGreaterThan(4_900);
  // Each attempt is signed with its own time, so that receivers can refuse what is old.
  const times = place.hook.deliveries.map(({ headers }) => headers['webhook-timestamp']);
  expect(new Set(times).size).toBe(3);
  await eventually(async () => {
    const { rows } = await place.scene.ledger.pool.query(
      `select state, attempts, error from lockkeeper.notices where receiver = 'hook'`,
    );
    expect(rows).toEqual([{ state: 'delivered', attempts: 3, error: null }]);
  });
}, 120_000);

test('several deploy workers share what there is: everything is told once', async () => {
  const place = await NoticePlace.open();
  await place.start('worker');
  await place.start('deploy-worker');
  await place.start('deploy-worker');
  const ids = Array.from({ length: 30 }, (_, n) => `job-${n}`);
  for (const id of ids) await place.scene.jobs.start(count, { to: 1, everyMs: 0 }, { id, owner: ADA });
  await eventually(() => expect(place.mailbox.mails).toHaveLength(30), { within: 40_000 });
  await eventually(() => expect(place.hook.deliveries).toHaveLength(30), SOON);
  for (const id of ids) expect(place.told(id)).toHaveLength(1);
  const { rows } = await place.scene.ledger.pool.query(
    `select receiver, state, count(*)::integer as n from lockkeeper.notices where receiver <> 'hanging' group by receiver, state order by receiver`,
  );
  expect(rows).toEqual([
    { receiver: 'hook', state: 'delivered', n: 30 },
    { receiver: 'owners', state: 'delivered', n: 30 },
  ]);
}, 120_000);
