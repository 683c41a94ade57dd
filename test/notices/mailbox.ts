import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { Certified } from '../support/certificates.ts';
import { atEnd } from '../support/at-end.ts';

export const USER = 'keeper';
export const PASSWORD = 'pa55/w@rd';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  readonly secure: boolean;
}

export interface MailboxOptions {
  /** With one, it speaks STARTTLS. */
  readonly certified?: Certified;
}

/** A real SMTP server that lets one user in and keeps what it is sent. */
export class Mailbox {
  readonly mails: Mail[] = [];
  readonly port: number;
  /** Throws to refuse a recipient. */
  admit: (address: string) => void = () => undefined;

  private constructor(port: number) {
    this.port = port;
  }

  static async open({ certified }: MailboxOptions = {}): Promise<Mailbox> {
    const server = new SMTPServer({
      ...(certified && { cert: certified.cert, key: certified.key }),
      ...(!certified && { disabledCommands: ['STARTTLS'] }),
      logger: false,
      authOptional: false,
      allowInsecureAuth: true,
      onAuth({ username, password }, _session, done) {
        if (username === USER && password === PASSWORD) done(null, { user: username });
        else done(new Error(`no such user or password: ${username} ${password}`));
      },
      onRcptTo({ address }, _session, done) {
        try {
          mailbox.admit(address);
          done();
        } catch (error) {
          done(error as Error);
        }
      },
      onData(stream, { envelope, secure }, done) {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          mailbox.mails.push({
            from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
            to: envelope.rcptTo.map(({ address }) => address),
            text: Buffer.concat(chunks).toString(),
            secure,
          });
          done();
        });
      },
    });
    server.on('error', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    atEnd(() => new Promise<void>((resolve) => server.close(resolve)));
    const mailbox = new Mailbox((server.server.address() as AddressInfo).port);
    return mailbox;
  }

  url(query = '', password = PASSWORD): string {
    return `smtp://${USER}:${encodeURIComponent(password)}@localhost:${this.port}${query}`;
  }
}

/** A header of a mail, its folded lines as one. */
export const header = (mail: Mail, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)$`, 'im')
    .exec(mail.text.split('\r\n\r\n', 1)[0]!.replaceAll(/\r\n[ \t]+/g, ' '))?.[1]
    ?.trim();
