import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { atEnd } from './at-end.ts';

/** What happens to the first message that matches. */
interface Fault {
  readonly when: RegExp;
  readonly how: 'loseReply' | 'cutBefore' | 'deliverLate' | 'forget';
  readonly happened: () => void;
  /** For `deliverLate`. */
  readonly late?: (deliver: () => Promise<void>) => void;
}

/** Postgres' ReadyForQuery: everything that was asked is done, only the client does not know yet. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5]);

/** Postgres' BackendKeyData, before the process id. */
const KEY_DATA = Buffer.from([0x4b, 0, 0, 0, 12]);

/**
 * Stands between a client and Postgres and breaks connections at chosen moments. Each fault happens once, at the first
 * message of any connection whose text matches; its promise resolves when it has happened.
 */
export class LedgerProxy {
  /** The database, through this proxy. */
  readonly databaseUrl: string;
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #links = new Set<Link>();
  readonly #faults: Fault[] = [];
  #refusing = false;
  #awayAtFault = false;
  #pooling = false;

  private constructor(server: Server, databaseUrl: string) {
    const target = new URL(databaseUrl);
    this.#target = { host: target.hostname, port: Number(target.port || 5432) };
    this.#server = server;
    server.on('connection', (socket) => this.#accept(socket));
    const through = new URL(databaseUrl);
    through.hostname = '127.0.0.1';
    through.port = String((server.address() as AddressInfo).port);
    this.databaseUrl = through.href;
  }

  /** Runs until the end of the file, or of the test when called inside one. */
  static async start(databaseUrl: string): Promise<LedgerProxy> {
    const server = createServer({ allowHalfOpen: false });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new LedgerProxy(server, databaseUrl);
    atEnd(() => proxy.#stop());
    return proxy;
  }

  get connections(): number {
    return this.#links.size;
  }

  /** Postgres does what it was asked, its reply is swallowed, then the connection is cut. */
  loseReplyTo(when: RegExp): Promise<void> {
    return new Promise((happened) => this.#faults.push({ when, how: 'loseReply', happened }));
  }

  /** The connection is cut, and Postgres never sees the message. */
  cutBefore(when: RegExp): Promise<void> {
    return new Promise((happened) => this.#faults.push({ when, how: 'cutBefore', happened }));
  }

  /** The client's side is cut; Postgres gets the message only when `deliver` is called, which resolves when it has answered. */
  deliverLate(when: RegExp): Promise<() => Promise<void>> {
    return new Promise((late) => this.#faults.push({ when, how: 'deliverLate', happened: () => undefined, late }));
  }

  /** The connection is forgotten, as by a firewall: from this message on nothing comes through it, and nobody is told. */
  forget(when: RegExp): Promise<void> {
    return new Promise((happened) => this.#faults.push({ when, how: 'forget', happened }));
  }

  /** Cuts every connection; new ones are still let through. */
  cut(): void {
    for (const link of [...this.#links]) link.end();
  }

  /** Cuts every connection and every new one, as a server that is away. */
  goAway(): void {
    this.#refusing = true;
    this.cut();
  }

  /** Goes away at the moment of the next fault, before the client can ask what became of it. */
  goAwayAfterFault(): void {
    this.#awayAtFault = true;
  }

  /** From now on like a connection pooler: clients are given a process id that is not the server's. */
  poolConnections(): void {
    this.#pooling = true;
  }

  comeBack(): void {
    this.#refusing = false;
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, connect(this.#target), (text) => this.#takeFault(text), this.#pooling);
    this.#links.add(link);
    void link.ended.then(() => this.#links.delete(link));
  }

  #takeFault(text: string): Fault | undefined {
    const at = this.#faults.findIndex((fault) => fault.when.test(text));
    if (at === -1) return undefined;
    if (this.#awayAtFault) this.#refusing = true;
    this.#awayAtFault = false;
    return this.#faults.splice(at, 1)[0];
  }

  async #stop(): Promise<void> {
    const ends = [...this.#links].map((link) => link.ended);
    this.goAway();
    this.#server.close();
    await Promise.all([once(this.#server, 'close'), ...ends]);
  }
}

/** One connection, both sides of it. */
class Link {
  readonly ended: Promise<void>;
  readonly #client: Socket;
  readonly #server: Socket;
  #pass = true;
  #swallowed = Buffer.alloc(0);
  #onReady: (() => void) | undefined;

  constructor(client: Socket, server: Socket, fault: (text: string) => Fault | undefined, pooled: boolean) {
    this.#client = client;
    this.#server = server;
    this.ended = Promise.all([closed(client), closed(server)]).then(() => undefined);
    client.on('data', (chunk: Buffer) => {
      const found = this.#pass ? fault(chunk.toString('latin1')) : undefined;
      if (found) this.#suffer(found, chunk);
      else server.write(chunk);
    });
    server.on('data', (chunk: Buffer) => this.#reply(pooled ? withOtherProcess(chunk) : chunk));
    client.on('close', () => this.#pass && server.destroy());
    server.on('close', () => client.destroy());
    // An error is followed by `close`, and a broken connection is what this is for.
    client.on('error', () => undefined);
    server.on('error', () => undefined);
  }

  end(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #reply(chunk: Buffer): void {
    if (this.#pass) {
      this.#client.write(chunk);
      return;
    }
    this.#swallowed = Buffer.concat([this.#swallowed, chunk]);
    if (this.#swallowed.includes(READY)) this.#onReady?.();
  }

  #suffer(fault: Fault, chunk: Buffer): void {
    this.#pass = false;
    switch (fault.how) {
      case 'cutBefore':
        this.end();
        fault.happened();
        return;
      case 'loseReply':
        this.#onReady = () => {
          this.end();
          fault.happened();
        };
        this.#server.write(chunk);
        return;
      case 'deliverLate':
        this.#client.destroy();
        fault.late?.(() => this.#deliver(chunk));
        return;
      case 'forget':
        this.#client.removeAllListeners('data').resume();
        this.#server.removeAllListeners('data').resume();
        fault.happened();
    }
  }

  async #deliver(chunk: Buffer): Promise<void> {
    const answered = new Promise<void>((resolve) => (this.#onReady = resolve));
    this.#server.write(chunk);
    await Promise.race([answered, closed(this.#server)]);
    this.end();
  }
}

/** Changes the process id of a BackendKeyData message, if there is one. */
function withOtherProcess(chunk: Buffer): Buffer {
  const at = chunk.indexOf(KEY_DATA);
  if (at === -1) return chunk;
  const changed = Buffer.from(chunk);
  changed.writeInt32BE(chunk.readInt32BE(at + KEY_DATA.length) + 1, at + KEY_DATA.length);
  return changed;
}

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
