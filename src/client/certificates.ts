import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ClientConfigTLS, ConfigDataSource } from '@temporalio/envconfig';

/** How an option of TLS is called where it was set: `client_cert_path` gives `TEMPORAL_TLS_CLIENT_CERT_PATH`. */
type NameOf = (option: string) => string;

/** What is wrong with the certificates and the key of a configuration, before a server says so in words of its own. */
export function checkCertificates(tls: ClientConfigTLS | undefined, nameOf: NameOf): string[] {
  if (!tls || tls.disabled) return [];
  const problems: string[] = [];
  const load = <T>(source: ConfigDataSource | undefined, option: string, what: string, parse: (pem: Buffer) => T) => {
    if (!source) return undefined;
    const name = nameOf(`${option}_${'path' in source ? 'path' : 'data'}`);
    try {
      return { name, value: parse(read(source)) };
    } catch (error) {
      problems.push(`${name}${'path' in source ? ` names ${source.path}, which` : ''} ${whyNot(error, what)}`);
      return undefined;
    }
  };
  const certificate = load(tls.clientCert, 'client_cert', 'a certificate', certificateOf);
  const key = load(tls.clientKey, 'client_key', 'a private key', createPrivateKey);
  load(tls.serverCACert, 'server_ca_cert', 'a certificate', certificateOf);
  if (!tls.clientCert !== !tls.clientKey) {
    const [there, missing] = tls.clientCert ? ['client_cert', 'client_key'] : ['client_key', 'client_cert'];
    problems.push(
      `a ${there === 'client_cert' ? 'client certificate without its key' : "client's key without its certificate"}: set ${nameOf(`${missing}_path`)} too`,
    );
  }
  if (certificate) problems.push(...expiry(certificate.value, certificate.name));
  if (certificate && key && !fits(certificate.value, key.value))
    problems.push(`the key of ${key.name} is not the one of the certificate of ${certificate.name}`);
  return problems;
}

const certificateOf = (pem: Buffer) => new X509Certificate(pem);
const fits = (certificate: X509Certificate, key: KeyObject) => certificate.checkPrivateKey(key);

const read = (source: ConfigDataSource): Buffer =>
  'path' in source ? readFileSync(source.path) : Buffer.from(source.data as string);

function whyNot(error: unknown, what: string): string {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'does not exist';
  if (syscall !== undefined) return `cannot be read: ${code}`;
  return `is not ${what} in PEM`;
}

function expiry({ validFrom, validTo }: X509Certificate, name: string): string[] {
  const now = Date.now();
  if (Date.parse(validTo) < now) return [`the certificate of ${name} has expired: it was valid until ${validTo}`];
  if (Date.parse(validFrom) > now) return [`the certificate of ${name} is not valid yet: it will be from ${validFrom}`];
  return [];
}
