import { createTransport } from 'nodemailer';
import { NOTICE_TIMEOUT } from '../defaults.ts';
import { errorMessage } from '../errors.ts';
import { isMailAddress } from '../jobs/owner.ts';
import type { Notice } from './notice.ts';
import type { Receiver, Told } from './receiver.ts';
import type { MailConfig } from './receiver-config.ts';
import { secretsOf, withoutSecrets } from './secrets.ts';
import { wordsOf } from './words.ts';

/** Sends mail through an SMTP server, to a fixed address or to the owner's. */
export function mailTeller(config: MailConfig, url: URL): Receiver['tell'] {
  const clean = withoutSecrets(secretsOf(url));
  const transport = createTransport({
    url: url.href,
    ...(mustBeEncrypted(url) && { requireTLS: true }),
    connectionTimeout: NOTICE_TIMEOUT,
    greetingTimeout: NOTICE_TIMEOUT,
    socketTimeout: NOTICE_TIMEOUT,
    // Nothing in a notice makes this process read a file or ask a server.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return async (notice, owner): Promise<Told> => {
    const address = config.address ?? owner;
    if (address === undefined || !isMailAddress(address))
      return { ok: false, error: 'there is nobody to send it to: whose it is, is no mail address', forGood: true };
    const signal = AbortSignal.timeout(NOTICE_TIMEOUT);
    try {
      const { response } = await transport.sendMail({
        from: config.from,
        to: { name: '', address },
        ...letter(notice, config.from),
        signal,
      });
      return { ok: true, said: clean(response) };
    } catch (error) {
      const said = clean(errorMessage(error)).replaceAll(/\s+/g, ' ');
      return { ok: false, error: signal.aborted ? `no answer within ${NOTICE_TIMEOUT / 1_000} s` : said };
    }
  };
}

/** A password is not sent to a server that does not encrypt, unless the URL says so itself. */
const mustBeEncrypted = ({ protocol, password, searchParams }: URL) =>
  protocol === 'smtp:' && password !== '' && !searchParams.has('requireTLS') && !searchParams.has('ignoreTLS');

function letter(notice: Notice, from: string) {
  const { title, text, facts, commands } = wordsOf(notice);
  const width = Math.max(0, ...facts.map(([name]) => name.length));
  const parts = [
    text,
    facts.map(([name, value]) => `${`${name}:`.padEnd(width + 2)}${value}`).join('\n'),
    commands.map((command) => `  ${command}`).join('\n'),
  ];
  return {
    subject: title,
    text: `${parts.filter((part) => part !== '').join('\n\n')}\n`,
    date: new Date(notice.timestamp),
    // Sent again it is the same message, and mail servers and readers may see it.
    messageId: `<${notice.id}@${/@([^\s>]+)>?$/.exec(from)?.[1] ?? 'lockkeeper'}>`,
    // Nobody's out-of-office note comes back.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Lockkeeper-Event': notice.type },
  };
}
