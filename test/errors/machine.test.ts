import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { expectTold, folder, run, SECRET } from './command.ts';

async function takenPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('ports that are taken: each of them, and how to choose others', async () => {
  const [temporal, ui] = [await takenPort(), await takenPort()];
  const said = await run(['dev', '--dir', folder(), '--temporal-port', `${temporal}`, '--ui-port', `${ui}`], {
    DATABASE_URL: inject('databaseUrl'),
  });
  expectTold(
    said,
    2,
    'PORT_TAKEN',
    `port ${temporal}, asked for by Temporal, is in use`,
    `port ${ui}, asked for by the Temporal Web UI`,
    'or 0 for a free one',
  );
});

test('a directory that cannot be made', async () => {
  const dir = folder({ file: '' });
  const said = await run(['dev', '--dir', join(dir, 'file', 'state')]);
  expectTold(said, 2, 'USAGE', join(dir, 'file', 'state'), 'ENOTDIR', '--dir');
});

test('a malformed DATABASE_URL stops `dev`, too', async () => {
  const said = await run(['dev', '--dir', folder()], { DATABASE_URL: `postgres:/me:${SECRET}@x` });
  expectTold(said, 2, 'USAGE', 'DATABASE_URL');
});

test('durations: with a unit or as milliseconds; anything else is told with an example', async () => {
  for (const duration of ['soon', '5 m', '-5', '1w', '']) {
    const said = await run(['job', 'watch', 'x', '--timeout', duration]);
    expect(said).toMatchObject({ exit: 2, stdout: '' });
    expect(said.stderr).toMatch(/^lockkeeper: .*is not a duration.*such as 30s.*\[USAGE\]\n$/);
  }
  for (const duration of ['1ms', '1.5h', '1'])
    expectTold(await run(['job', 'watch', 'x', '--timeout', duration]), 2, 'USAGE', 'DATABASE_URL is not set');
});
