import { once } from 'node:events';
import { connect as connectHttp2, constants, createSecureServer } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { connect } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { atEnd } from './at-end.ts';
import type { Authority, Certified } from './certificates.ts';

/** What the doors have let through and turned away. */
export interface Door {
  readonly address: string;
  readonly passed: () => number;
  readonly refused: () => number;
}

/** In front of a Temporal server: TLS, and only for clients whose certificate this authority has signed. */
export async function certificateDoor(target: string, own: Certified, authority: Authority): Promise<Door> {
  let passed = 0;
  let refused = 0;
  const server = createTlsServer(
    {
      cert: own.cert,
      key: own.key,
      ca: authority.cert,
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['h2'],
    },
    (socket) => {
      passed += 1;
      const { hostname, port } = new URL(`http://${target}`);
      const through = connect(Number(port), hostname);
      socket.on('error', () => through.destroy());
      through.on('error', () => socket.destroy());
      socket.on('close', () => through.destroy());
      socket.pipe(through).pipe(socket);
    },
  );
  server.on('tlsClientError', () => (refused += 1));
  return { address: await listen(server), passed: () => passed, refused: () => refused };
}

/** In front of a Temporal server: TLS, and each call must bring the key, as Temporal Cloud asks for it. */
export async function apiKeyDoor(target: string, own: Certified, apiKey: string): Promise<Door> {
  let passed = 0;
  let refused = 0;
  const inside = connectHttp2(`http://${target}`);
  const server = createSecureServer({ cert: own.cert, key: own.key });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => stream.destroy());
    if (headers['authorization'] === `Bearer ${apiKey}`) {
      passed += 1;
      forward(inside, stream, headers);
    } else {
      refused += 1;
      stream.respond(
        {
          ':status': 200,
          'content-type': 'application/grpc',
          'grpc-status': '16',
          'grpc-message': `Request unauthorized: ${headers['authorization'] ?? 'no key'}`,
        },
        { endStream: true },
      );
    }
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => void sessions.add(session));
  const address = await listen(server);
  // Runs before the server is closed, which waits for its sessions.
  atEnd(() => {
    for (const session of sessions) session.destroy();
    inside.destroy();
  });
  return { address, passed: () => passed, refused: () => refused };
}

function forward(inside: ClientHttp2Session, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const call = inside.request({ ...headers, ':scheme': 'http' });
  let trailers: IncomingHttpHeaders = {};
  call.on('error', () => stream.destroy());
  stream.on('close', () => call.close(constants.NGHTTP2_CANCEL));
  call.on('response', ({ ...answer }, flags) => {
    const ended = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    stream.respond(answer, ended ? { endStream: true } : { waitForTrailers: true });
    if (!ended) call.pipe(stream);
  });
  call.on('trailers', (found) => (trailers = found));
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.pipe(call);
}

async function listen(server: Server): Promise<string> {
  const open = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(async () => {
    server.close();
    for (const socket of open) socket.destroy();
    await once(server, 'close');
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
