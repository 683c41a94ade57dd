import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { LockkeeperError, errorMessage, isLockkeeperError } from '../errors.ts';

const HOST = '127.0.0.1';
const ATTEMPTS = 5;

/**
 * Calls `start` with free ports. A port asked for by number is that one or an error; 0 or undefined means any. Somebody
 * else may take a chosen port before the server binds it, so then it is tried again with others.
 *
 * @throws LockkeeperError `PORT_TAKEN` when a port asked for by number is in use.
 */
export async function withPorts<Name extends string, T>(
  asked: Readonly<Record<Name, number | undefined>>,
  start: (ports: Record<Name, number>) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const ports = await reserve(asked);
    try {
      return await start(ports);
    } catch (error) {
      const raced = /address already in use/i.test(errorMessage(error));
      if (!raced || attempt === ATTEMPTS) throw error;
    }
  }
}

/**
 * Says which of these ports are taken.
 * @throws LockkeeperError `PORT_TAKEN`, with each of them.
 */
export const expectFree = async (asked: Readonly<Record<string, number | undefined>>): Promise<void> =>
  void (await reserve(asked));

/** Returns when something listens there, throws at once when nothing does. */
export async function connectTo(port: number): Promise<void> {
  const socket = connect(port, HOST);
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}

/** Binds them all before letting go of any, so that no two are the same. */
async function reserve<Name extends string>(
  asked: Readonly<Record<Name, number | undefined>>,
): Promise<Record<Name, number>> {
  const held: Server[] = [];
  const ports = {} as Record<Name, number>;
  try {
    const taken: LockkeeperError[] = [];
    for (const [name, port] of Object.entries(asked) as [Name, number | undefined][]) {
      const server = createServer();
      held.push(server);
      try {
        ports[name] = await bind(server, name, port ?? 0);
      } catch (error) {
        if (!isLockkeeperError(error)) throw error;
        taken.push(error);
      }
    }
    if (taken.length > 0) throw allTaken(taken);
    return ports;
  } finally {
    await Promise.all(held.map(close));
  }
}

function allTaken(taken: readonly LockkeeperError[]): LockkeeperError {
  const [first] = taken;
  if (taken.length === 1) return first!;
  const lines = taken.map(({ message }) => message);
  return new LockkeeperError('PORT_TAKEN', `${taken.length} ports are taken\n${lines.join('\n')}`, { cause: first });
}

async function bind(server: Server, name: string, port: number): Promise<number> {
  try {
    server.listen(port, HOST);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    const found = code === 'EACCES' ? 'may not be used by this user' : 'is in use by another process';
    throw new LockkeeperError('PORT_TAKEN', `port ${port}, asked for by ${name}, ${found}`, {
      next: `Stop what listens on ${HOST}:${port}, choose another port, or 0 for a free one`,
      cause: error,
    });
  }
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  await once(server, 'close');
}
