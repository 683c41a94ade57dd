import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { atEnd } from './at-end.ts';

x509.cryptoProvider.set(webcrypto);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const A_DAY = 86_400_000;

/** A certificate and its key, in PEM, and the files that hold them. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** Signs certificates for one test file; the files are gone at its end. */
export class Authority {
  readonly #dir: string;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: x509.X509Certificate;
  readonly certFile: string;
  readonly cert: string;

  private constructor(name: string, keys: webcrypto.CryptoKeyPair, certificate: x509.X509Certificate) {
    this.#dir = mkdtempSync(join(tmpdir(), 'lockkeeper-certificates-'));
    atEnd(() => rmSync(this.#dir, { recursive: true }));
    this.#keys = keys;
    this.#certificate = certificate;
    this.cert = certificate.toString('pem');
    this.certFile = this.#write(`${name}.pem`, this.cert);
  }

  static async make(name: string): Promise<Authority> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      keys,
      signingAlgorithm: ALGORITHM,
      ...validFor(A_DAY),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    });
    return new Authority(name, keys, certificate);
  }

  /** A certificate for 127.0.0.1 and localhost, for servers and clients alike; `ms`: valid for so long, the past if negative. */
  async sign(name: string, ms = A_DAY): Promise<Certified> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: this.#certificate.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      ...validFor(ms),
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: 'dns', value: 'localhost' },
          { type: 'ip', value: '127.0.0.1' },
        ]),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      ],
    });
    const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    const cert = certificate.toString('pem');
    const key = x509.PemConverter.encode(der, 'PRIVATE KEY');
    return { cert, key, certFile: this.#write(`${name}.pem`, cert), keyFile: this.#write(`${name}.key`, key) };
  }

  #write(name: string, text: string): string {
    const file = join(this.#dir, name);
    writeFileSync(file, text);
    return file;
  }
}

/** An hour ago, as the clock of a machine may be behind. */
const validFor = (ms: number) => ({
  notBefore: new Date(Date.now() - A_DAY),
  notAfter: new Date(Date.now() + ms),
});
