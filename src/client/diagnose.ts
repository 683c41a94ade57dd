import { connect as connectTcp, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TemporalConfig } from './temporal-config.ts';

/** How long one look may take, milliseconds. */
const LOOK_WITHIN = 3_000;
/** An HTTP/2 client speaks first: its preface, and settings without any. */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
/** First byte of a TLS alert. */
const TLS_ALERT = 0x15;

export interface Diagnosis {
  readonly kind: 'network' | 'tls' | 'nothing';
  /** In words, after "Temporal at <address>". */
  readonly found: string;
}

/**
 * Why Temporal does not answer: gRPC tells only that it waited in vain, so one connection is made by hand and looked at.
 * `nothing`: nothing is wrong with the connection itself.
 */
export function diagnose({ address, connectionOptions: { tls } }: TemporalConfig): Promise<Diagnosis> {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[|\]$/g, '');
  const port = Number(address.slice(at + 1));
  if (!tls) return look(connectTcp({ host, port }), false);
  const { serverNameOverride, serverRootCACertificate: ca, clientCertPair: pair } = tls === true ? {} : tls;
  const servername = serverNameOverride ?? (isIP(host) ? undefined : host);
  return look(
    connectTls({
      host,
      port,
      ALPNProtocols: ['h2'],
      ...(servername !== undefined && { servername }),
      ...(ca && { ca: Buffer.from(ca) }),
      ...(pair && { cert: Buffer.from(pair.crt), key: Buffer.from(pair.key) }),
    }),
    true,
  );
}

function look(socket: Socket, tls: boolean): Promise<Diagnosis> {
  return new Promise((resolve) => {
    const done = (diagnosis: Diagnosis) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(diagnosis);
    };
    const timer = setTimeout(() => done({ kind: 'network', found: 'does not answer' }), LOOK_WITHIN);
    socket.on(tls ? 'secureConnect' : 'connect', () => socket.write(PREFACE));
    socket.on('data', (answer: Buffer) => {
      if (!tls && answer[0] === TLS_ALERT) done({ kind: 'tls', found: 'speaks TLS, and none is configured' });
      else done({ kind: 'nothing', found: 'answers' });
    });
    socket.on('error', (error: NodeJS.ErrnoException) => done(ofError(error, tls)));
    socket.on('close', () =>
      done({
        kind: tls ? 'tls' : 'network',
        found: 'closes the connection at once; does it speak TLS, or another protocol?',
      }),
    );
  });
}

function ofError({ code = '', message }: NodeJS.ErrnoException, tls: boolean): Diagnosis {
  const network = NETWORK[code];
  if (network !== undefined) return { kind: 'network', found: network };
  if (!tls) return { kind: 'network', found: `does not answer: ${code || message}` };
  const word = TLS.find(([pattern]) => pattern.test(code))?.[1];
  return { kind: 'tls', found: word ?? `does not agree to TLS: ${code || message}` };
}

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections: nothing listens there',
  ENOTFOUND: 'is not known: there is no host of that name',
  EAI_AGAIN: 'is not known: the name server does not answer',
  EHOSTUNREACH: 'cannot be reached from here',
  ENETUNREACH: 'cannot be reached from here',
  ETIMEDOUT: 'does not answer',
};

const TLS: readonly (readonly [RegExp, string])[] = [
  [/ALERT_CERTIFICATE_REQUIRED|ALERT_HANDSHAKE_FAILURE/, 'wants a client certificate, and got none that it takes'],
  [
    /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|UNSUPPORTED_CERTIFICATE)|UNKNOWN_CA|DECRYPT_ERROR/,
    'refuses our client certificate',
  ],
  [/ALERT_CERTIFICATE_(EXPIRED|REVOKED)/, 'refuses our client certificate: it has expired or was revoked'],
  [/ALERT_ACCESS_DENIED/, 'refuses our client certificate'],
  [
    /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(VERIFY|GET_ISSUER))/,
    'shows a certificate that we do not trust: no authority of ours has signed it',
  ],
  [/^CERT_(HAS_EXPIRED|NOT_YET_VALID)/, 'shows a certificate that is not valid now'],
  [/ALTNAME_INVALID/, 'shows a certificate for another name'],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH|ECONNRESET|EPROTO/, 'does not speak TLS, which is configured'],
];
