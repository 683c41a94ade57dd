import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readKeyFile } from '../../../src/crypto/key-file.ts';
import { generateKey, parseKeyring } from '../../../src/crypto/keyring.ts';
import { atEnd } from '../../support/at-end.ts';
import { launchChromium } from '../../support/chromium.ts';
import { eventually } from '../../support/eventually.ts';
import { Processes } from '../../support/processes.ts';
import { encrypted, valuesOf } from '../bench.ts';
import { encryptedWorkflows } from './encrypted-workflows.ts';
import { CIPHERTEXT, PLAIN_TEXT, expectToSee } from './web-ui-views.ts';

const KEYS = generateKey('dev');
/** Servers and browsers on a busy machine. */
const PATIENCE = { timeout: 240_000 };
const processes = new Processes();

/** A folder for the state of `lockkeeper dev`. */
function freshDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'lockkeeper-dev-codec-'));
  atEnd(() => rmSync(dir, { recursive: true }));
  // As root, Postgres runs as somebody else, who must be able to enter it.
  chmodSync(dir, 0o755);
  return dir;
}

interface Addresses {
  readonly temporalAddress: string;
  readonly uiUrl: string;
  readonly loginUrl?: string;
}

async function dev(dir: string, env: NodeJS.ProcessEnv) {
  const ports = ['--temporal-port', '0', '--ui-port', '0', '--postgres-port', '0'];
  const started = processes.lockkeeper(['dev', '--json', '--dir', dir, ...ports], {
    env: { TEMPORAL_ADDRESS: '', DATABASE_URL: '', ...env },
  });
  const line = await started.waitForLine(/^\{"temporalAddress"/, { within: 120_000 });
  const stop = async () => {
    started.kill('SIGTERM');
    expect((await started.ended()).code).toBe(0);
  };
  return { ...(JSON.parse(line) as Addresses), stop, said: () => started.stdout + started.stderr };
}

/** The variables of the file that a developer's shell reads. */
const envFile = (dir: string) =>
  Object.fromEntries(
    readFileSync(join(dir, 'env'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => /^export (\w+)='(.*)'$/.exec(line)!.slice(1, 3) as [string, string]),
  );

test(
  '`lockkeeper dev` with keys: a browser that opened the link reads in the Web UI, and nobody else does',
  PATIENCE,
  async () => {
    const dir = freshDir();
    const servers = await dev(dir, { LOCKKEEPER_KEYS: KEYS, LOCKKEEPER_KEY_FILE: '' });
    await encryptedWorkflows(servers.temporalAddress, parseKeyring(KEYS, 'the test'));
    const browser = await launchChromium();

    const stranger = await (await browser.newContext()).newPage();
    await expectToSee(stranger, servers.uiUrl, CIPHERTEXT);

    const own = await (await browser.newContext()).newPage();
    await own.goto(servers.loginUrl!);
    expect(new URL(own.url()).origin).toBe(servers.uiUrl);
    await expectToSee(own, servers.uiUrl, PLAIN_TEXT);
    await stranger.goto(servers.loginUrl!);
    expect(await stranger.locator('body').innerText()).toContain('This link has been used');

    // What the Web UI can do otherwise it does here, too.
    await own.goto(`${servers.uiUrl}/namespaces/default/workflows/start-workflow`);
    await own.locator('#workflowId').fill('from-the-web-ui');
    await own.locator('#taskQueue').fill('nobody');
    await own.locator('#workflowType').fill('anything');
    const started = own.waitForResponse((answer) => answer.url().includes('/workflows/from-the-web-ui'));
    await own.getByTestId('start-workflow-button').click();
    expect((await started).status()).toBe(200);

    const { TEMPORAL_CODEC_ENDPOINT: endpoint, TEMPORAL_CODEC_AUTH: auth } = envFile(dir);
    expect(endpoint).toBe(`${servers.uiUrl}/codec`);
    expect(statSync(join(dir, 'env')).mode & 0o077).toBe(0);
    expect(statSync(join(dir, 'codec-token')).mode & 0o077).toBe(0);
    expect(servers.said()).not.toContain(auth!.split(' ')[1]);
    const ask = (headers: Record<string, string>) =>
      fetch(`${endpoint}/decode`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-namespace': 'default', ...headers },
        body: '{"payloads":[]}',
      }).then(({ status }) => status);
    expect(await ask({})).toBe(401);
    expect(await ask({ authorization: auth! })).toBe(200);
    expect(await ask({ authorization: auth!, origin: 'http://127.0.0.1:9999' })).toBe(403);
    await servers.stop();

    const again = await dev(dir, { LOCKKEEPER_KEYS: KEYS, LOCKKEEPER_KEY_FILE: '' });
    await eventually(() => expect(envFile(dir)['TEMPORAL_CODEC_AUTH']).toBe(auth));
    await again.stop();
  },
);

test('its own keys do as well; what is not its own Temporal has no Web UI to stand in front of', PATIENCE, async () => {
  const dir = freshDir();
  const servers = await dev(dir, { LOCKKEEPER_KEYS: '', LOCKKEEPER_KEY_FILE: '' });
  const keyring = readKeyFile(envFile(dir)['LOCKKEEPER_KEY_FILE']!, 'the test');
  const { TEMPORAL_CODEC_ENDPOINT: endpoint, TEMPORAL_CODEC_AUTH: auth } = envFile(dir);
  const answer = await fetch(`${endpoint}/decode`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-namespace': 'default', authorization: auth! },
    body: JSON.stringify({ payloads: [await encrypted('by its own keys', keyring, 'default')] }),
  });
  expect(await valuesOf(answer)).toEqual(['by its own keys']);

  const other = freshDir();
  const elsewhere = await dev(other, { TEMPORAL_ADDRESS: servers.temporalAddress });
  expect(elsewhere.loginUrl).toBeUndefined();
  expect(Object.keys(envFile(other))).not.toContain('TEMPORAL_CODEC_ENDPOINT');
  await elsewhere.stop();
  await servers.stop();
});
