import { beforeAll, expect, test } from 'vitest';
import { ENCRYPTED } from '../../../src/protocol/payloads.ts';
import { Processes } from '../../support/processes.ts';
import { TOKEN, codecServer } from '../bench.ts';
import { FAILED, NAMESPACE, SECRETS, SUCCEEDED, encryptedWorkflows, temporalWithUi } from './encrypted-workflows.ts';

const server = await codecServer({ namespaces: [NAMESPACE] });
const temporal = await temporalWithUi();
const processes = new Processes();
beforeAll(() => encryptedWorkflows(temporal.address));

/** The exit code of `temporal workflow …`, what it prints, and what that says when its base64 is read as well. */
async function run(args: readonly string[]) {
  const cli = processes.spawn([temporal.binary, 'workflow', ...args, '--address', temporal.address]);
  const { code } = await cli.ended();
  const printed = cli.stdout + cli.stderr;
  const read = printed.replaceAll(/"([A-Za-z0-9+/]{8,}=*)"/g, (_, text: string) =>
    Buffer.from(text, 'base64').toString(),
  );
  return { code, text: printed + read };
}
const byCodec = ['--codec-endpoint', server.url, '--codec-auth', `Bearer ${TOKEN}`];

test('without the codec server, `temporal workflow show` has nothing that can be read', async () => {
  for (const id of [SUCCEEDED, FAILED]) {
    const { code, text } = await run(['show', '-w', id, '-o', 'json']);
    expect(code).toBe(0);
    for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
    expect(text).toContain(ENCRYPTED);
  }
});

test('with it, input, result, summaries and failure are readable', async () => {
  const well = await run(['show', '-w', SUCCEEDED, '-o', 'json', ...byCodec]);
  expect(well.code).toBe(0);
  for (const secret of [SECRETS.input, SECRETS.result, SECRETS.summary, SECRETS.activity])
    expect(well.text).toContain(secret);
  const badly = await run(['show', '-w', FAILED, '-o', 'json', ...byCodec]);
  expect(badly.text).toContain(SECRETS.failure);
});

test('`temporal workflow result` prints the result', async () => {
  const { code, text } = await run(['result', '-w', SUCCEEDED, ...byCodec]);
  expect([code, text]).toEqual([0, expect.stringContaining(SECRETS.result)]);
});

test.each([
  ['a wrong token', ['--codec-endpoint', server.url, '--codec-auth', `Bearer ${TOKEN}x`]],
  ['no token', ['--codec-endpoint', server.url]],
])('with %s it prints nothing; why, only the log of the codec server tells', async (_what, args) => {
  const { code, text } = await run(['show', '-w', SUCCEEDED, ...args]);
  expect([code, text]).toEqual([1, expect.stringContaining('context deadline exceeded')]);
  expect(text).not.toContain(SECRETS.input);
  expect(server.logged()).toContain('"status":401');
});

test('what is typed as an input is encrypted before the server of Temporal has it', async () => {
  const start = ['start', '--type', 'anything', '--task-queue', 'nobody', '-w', 'typed', '--input', '"typed by hand"'];
  expect((await run([...start, ...byCodec])).code).toBe(0);
  const show = ['show', '-w', 'typed', '-o', 'json'];
  expect((await run(show)).text).not.toContain('typed by hand');
  expect((await run([...show, ...byCodec])).text).toContain('typed by hand');
});
