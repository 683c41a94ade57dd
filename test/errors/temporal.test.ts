import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import proto from '@temporalio/proto';
import { expect, inject, test } from 'vitest';
import { MINIMUM_TEMPORAL_SERVER } from '../../src/defaults.ts';
import { atEnd } from '../support/at-end.ts';
import { expectTold, folder, run, SECRET } from './command.ts';

const ABORT = ['deploy', 'abort', 'v1', '--environment', 'e', '--reason', 'test'];

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers as a Temporal server of that version does when it is asked who it is, and nothing else. */
function serverOfVersion(serverVersion: string): Promise<string> {
  const { GetClusterInfoResponse } = proto.temporal.api.workflowservice.v1;
  const message = GetClusterInfoResponse.encode({ serverVersion, clusterId: 'old' }).finish();
  const frame = Buffer.concat([Buffer.alloc(5), message]);
  frame.writeUInt32BE(message.length, 1);
  const server = createServer();
  server.on('stream', (stream, headers) => {
    const known = headers[':path']?.endsWith('/GetClusterInfo');
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': known ? '0' : '12' }));
    stream.end(known ? frame : '');
  });
  return listen(server);
}

test('nothing listens: the address, where it comes from, and what to do', async () => {
  const said = await run(ABORT, { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expectTold(
    said,
    8,
    'TEMPORAL_UNREACHABLE',
    /Temporal at 127\.0\.0\.1:1 \(TEMPORAL_ADDRESS\) refuses connections/,
    'lockkeeper dev',
  );
});

test('no such host', async () => {
  const said = await run(ABORT, { TEMPORAL_ADDRESS: 'no-such-host.invalid:7233' });
  expectTold(said, 8, 'TEMPORAL_UNREACHABLE', 'no-such-host.invalid:7233');
});

test.each([['http://127.0.0.1:7233'], ['localhost'], [`https://me:${SECRET}@x:1`]])(
  'an address that is none: %s',
  async (address) => {
    const said = await run(ABORT, { TEMPORAL_ADDRESS: address });
    expectTold(said, 2, 'TEMPORAL_CONFIG_INVALID', 'TEMPORAL_ADDRESS is', 'expected host:port');
  },
);

test('something else than Temporal listens there', async () => {
  const address = await listen(createHttpServer((_request, response) => response.end('hello')));
  expectTold(await run(ABORT, { TEMPORAL_ADDRESS: address }), 8, 'TEMPORAL_UNREACHABLE', address);
});

test('a namespace that is not there', async () => {
  const said = await run(ABORT, { TEMPORAL_ADDRESS: inject('temporalAddress'), TEMPORAL_NAMESPACE: 'nowhere' });
  expectTold(said, 2, 'TEMPORAL_NAMESPACE_MISSING', 'no namespace nowhere (TEMPORAL_NAMESPACE)', 'namespace create');
});

test('a server that is too old: its version, and the one that is needed', async () => {
  const said = await run(ABORT, { TEMPORAL_ADDRESS: await serverOfVersion('1.25.2') });
  expectTold(
    said,
    2,
    'TEMPORAL_TOO_OLD',
    'is version 1.25.2',
    `at least ${MINIMUM_TEMPORAL_SERVER}`,
    'Upgrade the server',
  );
});

test('LOCKKEEPER_DEBUG=1 shows the stack, and nothing else does', async () => {
  const env = { TEMPORAL_ADDRESS: 'localhost' };
  expect((await run(ABORT, { ...env, LOCKKEEPER_DEBUG: '1' })).stderr).toMatch(/^ +at /m);
  expect((await run(ABORT, { ...env, LOCKKEEPER_DEBUG: '0' })).stderr).not.toMatch(/^ +at /m);
});

test.each<[string, string, Record<string, string>, (string | RegExp)[]]>([
  [
    'TOML that does not parse',
    `[profile.default]\napi_key = "${SECRET}\n`,
    {},
    [/temporal\.toml:2:\d+: Invalid TOML/, 'Expected TOML'],
  ],
  [
    'a profile that is not there',
    '[profile.prod]\naddress = "x:1"\n',
    { TEMPORAL_PROFILE: 'prdo' },
    ['TEMPORAL_PROFILE is `prdo`', 'has `prod`'],
  ],
  ['a profile of a file without any', '# nothing\n', { TEMPORAL_PROFILE: 'prod' }, ['has no profile']],
  [
    'a certificate that is not there',
    '[profile.default.tls]\nclient_cert_path = "/no/cert.pem"\nclient_key_path = "/no/key.pem"\n',
    {},
    [
      '2 problems',
      'tls.client_cert_path of profile default of',
      '/no/cert.pem, which does not exist',
      '/no/key.pem, which does not exist',
    ],
  ],
  [
    'a certificate that is none',
    `[profile.default.tls]\nserver_ca_cert_data = "${SECRET}"\n`,
    {},
    ['tls.server_ca_cert_data of profile default', 'is not a certificate in PEM'],
  ],
  [
    'a certificate without its key',
    '',
    { TEMPORAL_TLS_CLIENT_CERT_PATH: '/no/cert.pem' },
    ['TEMPORAL_TLS_CLIENT_CERT_PATH names /no/cert.pem, which does not exist', 'certificate without its key'],
  ],
  [
    'a check that cannot be left out',
    '',
    { TEMPORAL_TLS_DISABLE_HOST_VERIFICATION: 'true' },
    ['TEMPORAL_TLS_SERVER_CA_CERT_PATH'],
  ],
])('temporal.toml and its variables: %s', async (_what, toml, env, parts) => {
  const cwd = folder({ 'temporal.toml': toml });
  const said = await run(ABORT, { TEMPORAL_CONFIG_FILE: `${cwd}/temporal.toml`, ...env }, cwd);
  expectTold(said, 2, 'TEMPORAL_CONFIG_INVALID', ...parts);
});

test('a TEMPORAL_CONFIG_FILE that is not there, or no file', async () => {
  const cwd = folder();
  const missing = await run(ABORT, { TEMPORAL_CONFIG_FILE: `${cwd}/no.toml` }, cwd);
  expectTold(missing, 2, 'TEMPORAL_CONFIG_INVALID', `TEMPORAL_CONFIG_FILE names ${cwd}/no.toml, which does not exist`);
  const directory = await run(ABORT, { TEMPORAL_CONFIG_FILE: cwd }, cwd);
  expectTold(directory, 2, 'TEMPORAL_CONFIG_INVALID', 'cannot be read: EISDIR');
});

test('a profile without any file', async () => {
  const said = await run(ABORT, { TEMPORAL_PROFILE: 'prod' });
  expectTold(said, 2, 'TEMPORAL_CONFIG_INVALID', 'TEMPORAL_PROFILE is `prod`, and there is no ');
});
