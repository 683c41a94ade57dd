import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { atEnd } from './at-end.ts';

/** A server's address that can be shut: what is connected is cut, and nobody new gets in. */
export interface TcpGate {
  readonly address: string;
  shut(): void;
  open(): void;
}

/** Stands before `target` (`host:port`) until the end of the file, or of the test when called inside one. */
export async function tcpGate(target: string): Promise<TcpGate> {
  const [host, port] = target.split(':') as [string, string];
  const sockets = new Set<Socket>();
  let isShut = false;
  const shut = () => sockets.forEach((socket) => socket.destroy());
  const server = createServer((near) => {
    if (isShut) return void near.destroy();
    const far = connect(Number(port), host);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => {
    shut();
    server.close();
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    shut() {
      isShut = true;
      shut();
    },
    open() {
      isShut = false;
    },
  };
}
