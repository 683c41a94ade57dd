import { connect as connectTcp, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
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
/** An HTTP/2 server, too, begins with its settings: the type of the first frame is the fourth byte. */
const isHttp2 = (answer: Buffer) => answer[3] === 4;

export interface Diagnosis {
  readonly kind: 'network' | 'tls' | 'closed' | 'nothing';
  /** In words, after "Temporal at <address>". */
  readonly found: string;
  /** What to do, where the kind alone does not say it. */
  readonly next?: string;
}

/**
 * Why Temporal does not answer: gRPC tells only that it waited in vain, so one connection is made by hand and looked at.
 * `nothing`: nothing is wrong with the connection itself.
 */
export async function diagnose({ address, connectionOptions: { tls } }: TemporalConfig): Promise<Diagnosis> {
  const at = address.lastIndexOf(':');
  const where = { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
  if (!tls) {
    const seen = await look(connectTcp(where), 'connect');
    if (seen !== CLOSED) return seen;
    const wantsTls = (await look(overTls(where, { rejectUnauthorized: false }), 'secureConnect')).kind !== 'network';
    return wantsTls ? SPEAKS_TLS : { kind: 'network', found: CLOSED.found };
  }
  const { serverNameOverride, serverRootCACertificate: ca, clientCertPair: pair } = tls === true ? {} : tls;
  const servername = serverNameOverride ?? (isIP(where.host) ? undefined : where.host);
  const socket = overTls(where, {
    ...(servername !== undefined && { servername }),
    ...(ca && { ca: Buffer.from(ca) }),
    ...(pair && { cert: Buffer.from(pair.crt), key: Buffer.from(pair.key) }),
  });
  const seen = await look(socket, 'secureConnect');
  if (seen !== CLOSED) return seen;
  const why = pair ? 'it does not take our client certificate' : 'it may want a client certificate';
  return { kind: 'tls', found: `${CLOSED.found}: ${why}`, next: pair ? ANOTHER_CERTIFICATE : A_CERTIFICATE };
}

const CLOSED: Diagnosis = { kind: 'closed', found: 'closes the connection at once' };
const SPEAKS_TLS: Diagnosis = {
  kind: 'tls',
  found: 'speaks TLS, and we do not',
  next: 'Set TEMPORAL_TLS=true, and what else of TEMPORAL_TLS_… the server asks for',
};
const A_CERTIFICATE = 'Set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH';
const ANOTHER_CERTIFICATE = `${A_CERTIFICATE} to one that an authority of the server has signed`;

const overTls = (where: { readonly host: string; readonly port: number }, options: ConnectionOptions) =>
  connectTls({ ...where, ALPNProtocols: ['h2'], ...options });

function look(socket: Socket, connected: 'connect' | 'secureConnect'): Promise<Diagnosis> {
  return new Promise((resolve) => {
    const done = (diagnosis: Diagnosis) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(diagnosis);
    };
    const timer = setTimeout(() => done({ kind: 'network', found: 'does not answer' }), LOOK_WITHIN);
    socket.on(connected, () => socket.write(PREFACE));
    socket.on('data', (answer: Buffer) => {
      if (connected === 'connect' && answer[0] === TLS_ALERT) done(SPEAKS_TLS);
      else if (isHttp2(answer)) done({ kind: 'nothing', found: 'answers' });
      else done({ kind: 'network', found: 'answers, but not as a gRPC server does: something else listens there' });
    });
    socket.on('error', (error: NodeJS.ErrnoException) => done(ofError(error, connected === 'secureConnect')));
    socket.on('close', () => done(CLOSED));
  });
}

function ofError(error: NodeJS.ErrnoException & { reason?: string }, tls: boolean): Diagnosis {
  const { code = '', message, reason } = error;
  const network = NETWORK[code];
  if (network !== undefined) return { kind: 'network', found: network };
  if (!tls) return code === 'ECONNRESET' ? CLOSED : { kind: 'network', found: `does not answer: ${code || message}` };
  const told = TLS.find(({ codes }) => codes.test(code));
  if (!told) return { kind: 'tls', found: `does not agree to TLS: ${code || message}`, next: A_CERTIFICATE };
  return { kind: 'tls', found: reason === undefined ? told.found : `${told.found}: ${reason}`, next: told.next };
}

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections: nothing listens there',
  ENOTFOUND: 'is not known: there is no host of that name',
  EAI_AGAIN: 'is not known: the name server does not answer',
  EHOSTUNREACH: 'cannot be reached from here',
  ENETUNREACH: 'cannot be reached from here',
  ETIMEDOUT: 'does not answer',
};

const TLS: readonly { readonly codes: RegExp; readonly found: string; readonly next: string }[] = [
  {
    codes: /ALERT_CERTIFICATE_REQUIRED|ALERT_HANDSHAKE_FAILURE/,
    found: 'wants a client certificate, and got none that it takes',
    next: A_CERTIFICATE,
  },
  {
    codes: /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)|DECRYPT_ERROR/,
    found: 'refuses our client certificate',
    next: ANOTHER_CERTIFICATE,
  },
  {
    codes: /ALERT_CERTIFICATE_(EXPIRED|REVOKED)/,
    found: 'refuses our client certificate: it has expired or was revoked',
    next: ANOTHER_CERTIFICATE,
  },
  {
    codes: /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(VERIFY|GET_ISSUER))/,
    found: 'shows a certificate that we do not trust: no authority of ours has signed it',
    next: 'Name the authority that signed it with TEMPORAL_TLS_SERVER_CA_CERT_PATH',
  },
  {
    codes: /^CERT_(HAS_EXPIRED|NOT_YET_VALID)/,
    found: 'shows a certificate that is not valid now',
    next: 'Renew it on the server, and look at the clocks of both',
  },
  {
    codes: /ALTNAME_INVALID/,
    found: 'shows a certificate for another name',
    next: 'Connect to a name that is in it, or give one with TEMPORAL_TLS_SERVER_NAME',
  },
  {
    codes: /WRONG_VERSION_NUMBER|PACKET_LENGTH|ECONNRESET|EPROTO/,
    found: 'does not speak TLS, and we do',
    next: 'Set TEMPORAL_TLS=false, or correct the port',
  },
];
