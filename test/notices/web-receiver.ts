import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { Notice } from '../../src/notices/notice.ts';
import { atEnd } from '../support/at-end.ts';

export const SECRET = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;

export interface Delivery {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly at: number;
}

/** A real HTTP server that keeps what it was sent, and answers as the test says. */
export class WebReceiver {
  readonly deliveries: Delivery[] = [];
  readonly url: string;
  /** Answers a delivery; 204 unless the test says otherwise. */
  answer: (response: ServerResponse, delivery: Delivery) => void = (response) => void response.writeHead(204).end();

  private constructor(url: string) {
    this.url = url;
  }

  /** Closed at the end of the test, or of the file. */
  static async open(): Promise<WebReceiver> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const delivery = { path: request.url!, headers: request.headers, body, at: performance.now() };
        receiver.deliveries.push(delivery);
        receiver.answer(response, delivery);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    atEnd(() => {
      server.close();
      server.closeAllConnections();
    });
    const receiver = new WebReceiver(
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/t0ken-in-the-path`,
    );
    return receiver;
  }

  /** What it was sent, its signatures checked by the library that receivers use, and held against the documented shape. */
  get notices(): Notice[] {
    return this.deliveries.map(({ body, headers }) =>
      Notice.parse(new Webhook(SECRET).verify(body, headers as Record<string, string>)),
    );
  }
}
