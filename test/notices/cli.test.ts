import { expect, test } from 'vitest';
import { JSON_OUTPUTS } from '../../src/cli/json/index.ts';
import { count } from '../app/count-job.ts';
import { eventually } from '../support/eventually.ts';
import { NoticePlace } from './place.ts';

const place = await NoticePlace.open();

/** What a command says, and with which code it ends. */
async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const command = place.run(args, env);
  const { code } = await command.ended();
  return { code, stdout: command.stdout, stderr: command.stderr };
}

/** A command that knows no config. */
async function ask(args: readonly string[]) {
  const command = place.ask(args);
  const { code } = await command.ended();
  return { code, stdout: command.stdout };
}

/** The same as JSON, held against its documented shape. */
async function json(documented: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { code, stdout } = await run([...args, '--json'], env);
  const value: unknown = JSON.parse(stdout);
  const { schema } = JSON_OUTPUTS.find(({ command }) => command === documented)!;
  expect(schema.parse(value)).toEqual(value);
  return { code, value };
}

test('`notices test` sends to every receiver at once, and says what came back', async () => {
  place.hook.answer = (response) => void response.writeHead(500).end('not today');
  place.hanging.answer = (response) => void response.writeHead(204).end();
  place.slack.answer = (response) => void response.writeHead(200).end('ok');
  expect(await json('notices test', ['notices', 'test', '--owner', 'ada@example.org'])).toEqual({
    code: 1,
    value: [
      { receiver: 'hook', ok: false, error: 'answered 500', said: 'not today' },
      { receiver: 'hanging', ok: true, said: 'answered 204' },
      { receiver: 'slack', ok: true, said: 'answered 200' },
      { receiver: 'owners', ok: true, said: expect.stringContaining('250') as string },
    ],
  });
  expect(place.hook.notices).toMatchObject([{ type: 'test', data: { environment: 'test' } }]);
  expect(place.mailbox.mails.map(({ to }) => to)).toEqual([['ada@example.org']]);

  place.hook.answer = (response) => void response.writeHead(204).end();
  const told = await run(['notices', 'test']);
  expect(told.code).toBe(1);
  expect(told.stdout.replaceAll(/ +/g, ' ')).toBe(`\
RECEIVER TOLD WHAT CAME BACK
hook yes answered 204
hanging yes answered 204
slack yes answered 200
owners no not sent: it goes to the owner of a job, or to who asked for a deploy; say which with --owner
`);
  expect((await run(['notices', 'test', '--owner', 'ada@example.org'])).code).toBe(0);
}, 60_000);

test('a variable that is not set stops `notices test` and the deploy worker, which say which', async () => {
  for (const command of [['notices', 'test'], ['deploy-worker']]) {
    const { code, stderr } = await run(command, { HOOK_SECRET: '' });
    expect(code).toBe(2);
    expect(stderr).toContain('HOOK_SECRET, of receiver `hook`, is not set\n');
  }
}, 60_000);

test('`notices` lists what is still to be told and what was given up', async () => {
  expect(await run(['notices', 'list'])).toEqual({
    code: 0,
    stdout: 'environment test: 0 to be told, 0 given up, 0 told in the last day\n',
    stderr: '',
  });
  place.hook.answer = (response) => void response.writeHead(500).end();
  place.slack.answer = (response) => void response.writeHead(410).end();
  await place.start('worker');
  await place.start('deploy-worker');
  await place.scene.jobs.start(count, { to: 1, everyMs: 0 }, { id: 'short', owner: 'ada@example.org' });
  await eventually(async () => {
    const { value } = await json('notices list', ['notices', 'list']);
    expect(value).toMatchObject({
      environment: 'test',
      counts: { pending: 1, delivered: 2, failed: 0 },
      notices: [{ receiver: 'hook', event: 'job.finished', subject: 'short', state: 'pending', error: 'answered 500' }],
    });
  });
  await place.scene.ledger.pool.query(`update lockkeeper._notices set created_at = created_at - interval '4 days'`);
  await eventually(async () => expect((await run(['notices'])).stdout).toContain('0 to be told, 1 given up'), {
    within: 20_000,
  });
  const { stdout } = await run(['notices', 'list', '--state', 'failed']);
  expect(stdout).toMatch(/^EVENT +OF +TO +STATE/);
  expect(stdout).toMatch(/^job\.finished +short +hook +failed .* answered 500$/m);
  await place.started[1]!.waitForLine(/a notice was given up/);
}, 90_000);

test('the owner of a job is shown, and jobs are found by it', async () => {
  const owner = `Ada "the first" O'Hara`;
  const jobs = await run([
    'job',
    'start',
    'count',
    '--id',
    'owned',
    '--owner',
    owner,
    '--input',
    '{"to":1,"everyMs":0}',
    '--wait',
  ]);
  expect(jobs.code).toBe(0);
  expect((await ask(['job', 'show', 'owned'])).stdout).toContain(`of Ada "the first" O'Hara`);
  const listed = await ask(['job', 'list', '--owner', owner, '--json']);
  expect(JSON.parse(listed.stdout)).toMatchObject([{ workflowId: 'owned', owner, state: 'done' }]);
}, 60_000);

test('an owner who cannot be one is refused, and nothing is started', async () => {
  const { code, stderr } = await run([
    'job',
    'start',
    'count',
    '--id',
    'refused',
    '--owner',
    'a\nb',
    '--input',
    '{"to":1,"everyMs":0}',
  ]);
  expect(code).toBe(2);
  expect(stderr).toContain('the owner of a job is "a\\nb"');
  await expect(place.scene.jobs.handle('refused').describe()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
}, 60_000);
