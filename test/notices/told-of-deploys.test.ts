import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { hangingFinally } from '../app/misbehaving-jobs.ts';
import { eventually } from '../support/eventually.ts';
import { header } from './mailbox.ts';
import { NoticePlace } from './place.ts';

const DEPLOYS = fileURLToPath(new URL('deploys.yaml', import.meta.url));
const SOON = { within: 40_000 };
const RITA = { LOCKKEEPER_USER: 'rita@example.org' };

const types = (place: NoticePlace, deploy: string) => place.toldOfDeploy(deploy).map(({ type }) => type);
const said = async (place: NoticePlace, user: string, args: readonly string[]) =>
  expect(await place.run(args, { LOCKKEEPER_USER: user }).ended()).toMatchObject({ code: 0 });

test('CI is killed in the middle of its step: lease lost, held, rolled back; operators and whoever asked hear of it', async () => {
  const place = await NoticePlace.open(DEPLOYS);
  await place.start('worker');
  await place.start('deploy-worker');
  const ci = place.run(
    ['deploy', 'run', '--id', 'v42', '--version', '4.2', '--plan', 'outside', '--config', DEPLOYS, '--', 'sleep', '60'],
    RITA,
  );
  await ci.waitForLine(/Running your command/, SOON);
  ci.kill('SIGKILL');
  await eventually(
    () =>
      expect(types(place, 'v42')).toEqual([
        'deploy.requested',
        'deploy.started',
        'deploy.leaseLost',
        'deploy.held',
        'deploy.rolledBack',
      ]),
    SOON,
  );
  const [asked, , , held, end] = place.toldOfDeploy('v42');
  expect(asked!.data).toMatchObject({
    environment: 'test',
    deploy: { id: 'v42', version: '4.2', plan: 'outside', requestedBy: 'rita@example.org' },
  });
  expect(held!.data.deploy).toMatchObject({
    step: { n: 1, name: 'replace', type: 'external' },
    reason: 'lease lost: whoever did this step fell silent',
  });
  expect(Date.parse(held!.data.deploy.until!)).toBeGreaterThan(Date.parse(held!.timestamp) + 2_000);
  expect(end!.data.deploy).toMatchObject({
    outcome: 'rolledBack',
    reason: expect.stringContaining('nobody decided') as string,
  });

  await eventually(() => expect(place.mailbox.mails).toHaveLength(3), SOON);
  const mails = place.mailbox.mails.map((mail) => `${mail.to.join()}: ${header(mail, 'Subject')}`).sort();
  expect(mails).toEqual([
    'ops@example.org: [test] Deploy v42 waits for a decision',
    'rita@example.org: [test] Deploy v42 has lost its lease',
    'rita@example.org: [test] Deploy v42 was rolled back',
  ]);
  const toOps = place.mailbox.mails.find(({ to }) => to.includes('ops@example.org'))!.text;
  expect(toOps).toContain('lockkeeper deploy retry-step v42');
  expect(place.slack.deliveries.map(({ body }) => body).join()).toContain('Deploy v42 waits for a decision');
}, 120_000);

test('a deploy that must be approved, then is frozen, says so each time, and that it has succeeded', async () => {
  const place = await NoticePlace.open(DEPLOYS);
  await place.start('deploy-worker');
  const asked = place.run(['deploy', 'run', '--id', 'v43', '--plan', 'asked'], RITA);
  await eventually(() => expect(types(place, 'v43')).toEqual(['deploy.requested', 'deploy.waiting']), SOON);
  await said(place, 'ann', ['freeze', '--reason', "month's end", '--until', '1h']);
  await said(place, 'ann', ['deploy', 'approve', 'v43']);
  await eventually(() => expect(types(place, 'v43')).toHaveLength(3), SOON);
  await said(place, 'ann', ['unfreeze', '--reason', 'done']);
  expect(await asked.ended()).toMatchObject({ code: 0 });
  await eventually(
    () => expect(types(place, 'v43').slice(2)).toEqual(['deploy.waiting', 'deploy.started', 'deploy.finished']),
    SOON,
  );
  expect(place.toldOfDeploy('v43').flatMap(({ data }) => data.deploy.waitsFor ?? [])).toMatchObject([
    { kind: 'approval', needed: 1, by: [] },
    { kind: 'freeze', by: 'ann', reason: "month's end" },
  ]);
  await eventually(() => expect(place.slack.deliveries).toHaveLength(2), SOON);
  const [approval, freeze] = place.slack.deliveries.map(({ body }) => body);
  expect(approval).toContain('`lockkeeper deploy approve v43 --environment test`');
  expect(freeze).toContain('`lockkeeper deploy expedite v43 --through-freeze --reason … --environment test`');
}, 120_000);

test('a job does not step aside: the drain is told as near its deadline, and past it; another deploy waits meanwhile', async () => {
  const place = await NoticePlace.open(DEPLOYS);
  await place.start('worker');
  await place.start('deploy-worker');
  const job = await place.scene.jobs.start(hangingFinally, { to: 100_000 }, { id: 'stays' });
  await eventually(async () => expect((await job.row())?.state).toBe('running'), SOON);
  const late = place.run(['deploy', 'run', '--id', 'late', '--plan', 'pause']);
  await late.waitForLine(/drain/i, SOON);
  const next = place.run(['deploy', 'run', '--id', 'next', '--plan', 'pause']);
  await eventually(() => expect(types(place, 'next')).toEqual(['deploy.requested', 'deploy.waiting']), SOON);
  expect(place.toldOfDeploy('next')[1]!.data.deploy.waitsFor).toEqual({ kind: 'order', ahead: ['late'] });
  await said(place, 'ann', ['deploy', 'abort', 'next', '--reason', 'not today']);
  expect(await next.ended()).toMatchObject({ code: 4 });
  expect(await late.ended({ within: 60_000 })).toMatchObject({ code: 1 });
  await eventually(() => {
    expect(types(place, 'late').slice(1)).toEqual([
      'deploy.started',
      'deploy.drainLate',
      'deploy.drainLate',
      'deploy.failed',
    ]);
    expect(types(place, 'next')).toContain('deploy.aborted');
  }, SOON);
  const drains = place.toldOfDeploy('late').flatMap(({ data }) => data.deploy.drain ?? []);
  expect(drains).toMatchObject([
    { past: false, taskQueues: ['numbers'], onTimeout: 'wait' },
    { past: true, taskQueues: ['numbers'] },
  ]);
  expect(place.toldOfDeploy('next').at(-1)!.data.deploy).toMatchObject({ by: 'ann', said: 'not today' });
}, 120_000);
