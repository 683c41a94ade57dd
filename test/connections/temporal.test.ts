import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freshDatabase } from '../support/database.ts';
import { Authority } from '../support/certificates.ts';
import { freshNamespace } from '../support/fresh-namespace.ts';
import { Processes } from '../support/processes.ts';
import { apiKeyDoor, certificateDoor } from '../support/temporal-doors.ts';
import { expectTold, folder, NOTHING_SET, run, SECRET } from '../errors/command.ts';

/*
 * Temporal behind TLS with client certificates, and behind API keys, as in production: two doors in front of the real server.
 * Everything that connects has to go through one of them, workers by the SDK's native connection too.
 */
const { namespace, address } = await freshNamespace();
const databaseUrl = await freshDatabase();
const ours = await Authority.make('ours');
const theirs = await Authority.make('theirs');
const server = await ours.sign('server');
const client = await ours.sign('client');
const stranger = await theirs.sign('stranger');
const expired = await ours.sign('expired', -3_600_000);
const KEY = `key-${SECRET}`;
const byCertificate = await certificateDoor(address, server, ours);
const byKey = await apiKeyDoor(address, server, KEY);

/** As somebody would write it by hand. */
const TOML = `
[profile.certificate]
address = "${byCertificate.address}"
namespace = "${namespace}"
[profile.certificate.tls]
client_cert_path = "${client.certFile}"
client_key_path = "${client.keyFile}"
server_ca_cert_path = "${ours.certFile}"

[profile.key]
address = "${byKey.address}"
namespace = "${namespace}"
api_key = "${KEY}"
[profile.key.tls]
server_ca_cert_path = "${ours.certFile}"
`;
const dir = folder({ 'temporal.toml': TOML });
const profile = (name: string) => ({
  DATABASE_URL: databaseUrl,
  TEMPORAL_CONFIG_FILE: join(dir, 'temporal.toml'),
  TEMPORAL_PROFILE: name,
});
const certificateByVariables = {
  DATABASE_URL: databaseUrl,
  TEMPORAL_ADDRESS: byCertificate.address,
  TEMPORAL_NAMESPACE: namespace,
  TEMPORAL_TLS_CLIENT_CERT_PATH: client.certFile,
  TEMPORAL_TLS_CLIENT_KEY_PATH: client.keyFile,
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: ours.certFile,
};
const keyByVariables = {
  DATABASE_URL: databaseUrl,
  TEMPORAL_ADDRESS: byKey.address,
  TEMPORAL_NAMESPACE: namespace,
  TEMPORAL_API_KEY: KEY,
  TEMPORAL_TLS_SERVER_CA_CERT_DATA: ours.cert,
};

writeFileSync(
  join(dir, 'lockkeeper.yaml'),
  `environment: doors\njobs: ${join(import.meta.dirname, '../app/count-job.ts')}\nworker: { shutdownGrace: 5s, shutdownForce: 8s }\n`,
);

test.each([
  ['client certificates of a profile', profile('certificate'), byCertificate],
  ['client certificates of variables', certificateByVariables, byCertificate],
  ['the API key of a profile', profile('key'), byKey],
  ['the API key of a variable', keyByVariables, byKey],
])(
  '%s: worker, deploy worker, job and deploy all go through',
  async (what, env, door) => {
    const before = door.passed();
    const processes = new Processes();
    const all = { ...NOTHING_SET, HOME: dir, ...env };
    const worker = processes.lockkeeper(['worker'], { cwd: dir, env: all });
    const deployWorker = processes.lockkeeper(['deploy-worker'], { cwd: dir, env: all });
    await worker.waitForLine(/worker ready/, { within: 60_000 });
    await deployWorker.waitForLine(/deploy worker ready/, { within: 60_000 });
    const id = what.replaceAll(' ', '-');
    const job = await run(['job', 'start', 'large', '--id', id, '--input', '{"bytes":10}', '--wait'], env, dir);
    expect(job).toMatchObject({ exit: 0, stdout: '"xxxxxxxxxx"\n' });
    const deploy = await run(['deploy', 'run', '--id', id, '--', 'true'], env, dir);
    expect([deploy.exit, deploy.stderr]).toEqual([0, expect.stringContaining('')]);
    for (const process of [worker, deployWorker]) {
      process.kill('SIGTERM');
      expect(await process.ended()).toEqual({ code: 0, signal: null });
      expect(process.stdout + process.stderr).not.toContain(SECRET);
    }
    expect(door.passed()).toBeGreaterThan(before);
  },
  120_000,
);

const LIST = ['job', 'list'];
const withCertificate = ({ certFile, keyFile }: { certFile: string; keyFile: string }) => ({
  ...certificateByVariables,
  TEMPORAL_TLS_CLIENT_CERT_PATH: certFile,
  TEMPORAL_TLS_CLIENT_KEY_PATH: keyFile,
});

test('no client certificate: the server wants one', async () => {
  const env = { ...certificateByVariables, TEMPORAL_TLS_CLIENT_CERT_PATH: '', TEMPORAL_TLS_CLIENT_KEY_PATH: '' };
  const refused = byCertificate.refused();
  for (const args of [LIST, ['worker'], ['deploy-worker']])
    expectTold(
      await run(args, env, dir),
      2,
      'TEMPORAL_TLS',
      'wants a client certificate',
      'TEMPORAL_TLS_CLIENT_CERT_PATH',
    );
  expect(byCertificate.refused()).toBeGreaterThan(refused);
});

test('a client certificate of another authority is refused', async () => {
  const said = await run(LIST, withCertificate(stranger), dir);
  expectTold(said, 2, 'TEMPORAL_TLS', 'refuses our client certificate', byCertificate.address);
});

test('a client certificate that has expired, and a key of another certificate, are found before anybody is asked', async () => {
  expectTold(await run(LIST, withCertificate(expired), dir), 2, 'TEMPORAL_CONFIG_INVALID', 'has expired');
  const mixed = withCertificate({ certFile: client.certFile, keyFile: server.keyFile });
  expectTold(await run(LIST, mixed, dir), 2, 'TEMPORAL_CONFIG_INVALID', 'is not the one of the certificate');
});

test('a server that we have no reason to trust', async () => {
  const env = { ...certificateByVariables, TEMPORAL_TLS_SERVER_CA_CERT_PATH: theirs.certFile };
  expectTold(
    await run(LIST, env, dir),
    2,
    'TEMPORAL_TLS',
    'a certificate that we do not trust',
    'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
  );
});

test('a server certificate for another name', async () => {
  const env = { ...certificateByVariables, TEMPORAL_TLS_SERVER_NAME: 'temporal.example.com' };
  expectTold(await run(LIST, env, dir), 2, 'TEMPORAL_TLS', 'a certificate for another name');
});

test('TLS for a server without, and none for a server with', async () => {
  const tlsForPlain = { DATABASE_URL: databaseUrl, TEMPORAL_ADDRESS: address, TEMPORAL_TLS: 'true' };
  expectTold(await run(LIST, tlsForPlain, dir), 2, 'TEMPORAL_TLS', 'does not speak TLS');
  const plainForTls = { DATABASE_URL: databaseUrl, TEMPORAL_ADDRESS: byKey.address };
  expectTold(await run(LIST, plainForTls, dir), 2, 'TEMPORAL_TLS', 'TEMPORAL_TLS=true');
});

test('a wrong API key, and none: refused, and the key is not shown', async () => {
  const wrong = { ...keyByVariables, TEMPORAL_API_KEY: `wrong-${SECRET}` };
  for (const args of [LIST, ['worker'], ['deploy-worker']])
    expectTold(await run(args, wrong, dir), 2, 'TEMPORAL_DENIED', 'the API key is that of TEMPORAL_API_KEY');
  const none = { ...keyByVariables, TEMPORAL_API_KEY: '' };
  expectTold(await run(LIST, none, dir), 2, 'TEMPORAL_DENIED', 'no API key is set', 'Correct TEMPORAL_API_KEY');
});
