import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Payload } from '@temporalio/common';
import { startCodecServer } from '../../src/codec-server/index.ts';
import type { CodecServer } from '../../src/codec-server/index.ts';
import type { CodecServerOptions } from '../../src/codec-server/server.ts';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import type { Keyring } from '../../src/crypto/keyring.ts';
import { EncryptionCodec } from '../../src/crypto/payload-codec.ts';
import { atEnd } from '../support/at-end.ts';

export const TOKEN = 'dG9rZW4tb2YtdGhlLWNvZGVjLXNlcnZlcg-first';
export const OTHER_TOKEN = 'YW5vdGhlci10b2tlbi1mb3Itcm90YXRpb24-next';
export const NAMESPACE = 'shop';
export const ORIGIN = 'https://temporal.example.com';
export const keyring: Keyring = parseKeyring(generateKey('k1'), 'the test');

export interface RunningServer extends CodecServer {
  /** Everything it has logged. */
  readonly logged: () => string;
  readonly post: (path: string, body: unknown, more?: PostOptions) => Promise<Response>;
}

export interface PostOptions {
  /** Undefined: that header is left out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** In place of the body as JSON. */
  readonly raw?: string | Buffer;
}

/** A codec server for one test or file. `post` has the right headers of the CLI, unless others are given. */
export async function codecServer(options: Partial<CodecServerOptions> = {}): Promise<RunningServer> {
  let logged = '';
  const log = pino(
    { level: 'debug' },
    new Writable({
      write: (line, _encoding, done) => {
        logged += String(line);
        done();
      },
    }),
  );
  const server = await startCodecServer({
    address: '127.0.0.1',
    port: 0,
    keyring,
    tokens: [TOKEN, OTHER_TOKEN],
    origins: [ORIGIN],
    namespaces: [NAMESPACE],
    plainHttp: false,
    log,
    ...options,
  });
  atEnd(() => server.close());
  return {
    ...server,
    logged: () => logged,
    post: (path, body, { headers, raw } = {}) =>
      fetch(`${server.url}${path}`, {
        method: 'POST',
        headers: Object.entries({ ...CLI_HEADERS, ...headers }).filter(
          (header): header is [string, string] => header[1] !== undefined,
        ),
        body: raw ?? JSON.stringify(body),
      }),
  };
}

const CLI_HEADERS = {
  authorization: `Bearer ${TOKEN}`,
  'content-type': 'application/json',
  'x-namespace': NAMESPACE,
};

export interface PayloadJson {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly data?: string;
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');
export const plainJson = (value: unknown): PayloadJson => ({
  metadata: { encoding: base64('json/plain') },
  data: base64(JSON.stringify(value)),
});

/** The value as the server of Temporal holds it, encrypted. */
export async function encrypted(value: unknown, keys = keyring, namespace = NAMESPACE): Promise<PayloadJson> {
  const plain: Payload = {
    metadata: { encoding: Buffer.from('json/plain') },
    data: Buffer.from(JSON.stringify(value)),
  };
  const [payload] = await new EncryptionCodec(keys, namespace).encode([plain]);
  const metadata = Object.entries(payload!.metadata!).map(([key, bytes]) => [key, Buffer.from(bytes)] as const);
  return {
    metadata: Object.fromEntries(metadata.map(([key, bytes]) => [key, bytes.toString('base64')])),
    data: Buffer.from(payload!.data!).toString('base64'),
  };
}

/** What the answer holds, as values; a payload that came back encrypted is shown as its encoding. */
export async function valuesOf(answer: Response): Promise<unknown[]> {
  const { payloads } = (await answer.json()) as { payloads: PayloadJson[] };
  return payloads.map(({ metadata, data }) => {
    const encoding = Buffer.from(metadata?.['encoding'] ?? '', 'base64').toString();
    return encoding === 'json/plain' ? (JSON.parse(Buffer.from(data!, 'base64').toString()) as unknown) : encoding;
  });
}
