import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { beforeAll, expect, test } from 'vitest';
import { atEnd } from '../../support/at-end.ts';
import { Authority } from '../../support/certificates.ts';
import type { Certified } from '../../support/certificates.ts';
import { Mailbox, PASSWORD, header } from '../mailbox.ts';
import { receiver, sampleNotice } from '../sample.ts';

let certified: Certified;
beforeAll(async () => {
  certified = await (await Authority.make('mail')).sign('mailbox');
});

/** As nodemailer reads it from a URL: the certificate of the test is nobody's. */
const SELF_SIGNED = '?tls.rejectUnauthorized=false';
const toOwner = (url: string) => receiver({ type: 'mail' }, { URL: url });
const ADA = 'ada@example.org';

test('goes to the owner, over STARTTLS, with a Message-ID that stays the same', async () => {
  const mailbox = await Mailbox.open({ certified });
  const mail = toOwner(mailbox.url(SELF_SIGNED));
  expect(mail.toOwner).toBe(true);
  for (let times = 0; times < 2; times += 1)
    expect(await mail.tell(sampleNotice(), ADA)).toEqual({ ok: true, said: expect.stringContaining('250') as string });
  const [first, again] = mailbox.mails as [Mailbox['mails'][0], Mailbox['mails'][0]];
  expect(first).toMatchObject({ from: 'lockkeeper@example.org', to: [ADA], secure: true });
  expect(header(first, 'Subject')).toBe('[production] Job import-7 is in quarantine');
  expect(header(first, 'From')).toBe('Lockkeeper <lockkeeper@example.org>');
  expect(header(first, 'Message-ID')).toBe(`<${sampleNotice().id}@example.org>`);
  expect(header(again, 'Message-ID')).toBe(header(first, 'Message-ID'));
  expect(header(first, 'Date')).toBe('Tue, 03 Feb 2026 04:05:06 +0000');
  expect(header(first, 'Auto-Submitted')).toBe('auto-generated');
  expect(first.text.split('\r\n\r\n').slice(1).join('\n\n').replaceAll('\r\n', '\n')).toBe(`\
It waits for a person, who looks at it and says how it goes on.

Job:         import-7
Kind:        importCities
Owner:       ada@example.org
Environment: production
Task queue:  imports
Checkpoint:  41
Interrupted: 2 times
At:          2026-02-03 04:05:06 UTC
Notice:      6f1c2b9e-1f1d-4a59-9d0e-0a3c4f7f6f10

  lockkeeper job show import-7
  lockkeeper job release import-7 --continue
`);
});

test('goes to a fixed address, whoever the owner is', async () => {
  const mailbox = await Mailbox.open({ certified });
  const mail = receiver({ type: 'mail', address: 'ops@example.org' }, { URL: mailbox.url(SELF_SIGNED) });
  expect(mail.toOwner).toBe(false);
  expect(await mail.tell(sampleNotice(), undefined)).toMatchObject({ ok: true });
  expect(mailbox.mails.map(({ to }) => to)).toEqual([['ops@example.org']]);
});

test.each([
  'team-maps',
  'ada@example.org, eve@example.org',
  'ada@example.org\r\nBcc: eve@example.org',
  '<ada@example.org>',
])('an owner who is no address, %j, is nobody to send it to', async (owner) => {
  const told = await toOwner('smtp://127.0.0.1:1').tell(sampleNotice(), owner);
  expect(told).toMatchObject({ ok: false, forGood: true, error: expect.stringContaining('no mail address') as string });
});

test('nothing that a job is called becomes a header or a line of its own', async () => {
  const mailbox = await Mailbox.open({ certified });
  const evil = 'x\r\nBcc: eve@example.org\r\n\r\nowned\u2028too';
  const notice = sampleNotice('job.failed', { id: evil, name: evil, reason: evil });
  expect(await toOwner(mailbox.url(SELF_SIGNED)).tell(notice, ADA)).toMatchObject({ ok: true });
  const [mail] = mailbox.mails as [Mailbox['mails'][0]];
  expect(mail.to).toEqual([ADA]);
  expect(header(mail, 'Bcc')).toBeUndefined();
  expect(mail.text).not.toMatch(/^(Bcc|owned)/m);
});

test('a password is not sent to a server that does not encrypt, unless the URL says so', async () => {
  const mailbox = await Mailbox.open();
  expect(await toOwner(mailbox.url()).tell(sampleNotice(), ADA)).toMatchObject({
    ok: false,
    error: expect.stringMatching(/STARTTLS/i) as string,
  });
  expect(mailbox.mails).toEqual([]);
  expect(await toOwner(mailbox.url('?ignoreTLS=true')).tell(sampleNotice(), ADA)).toMatchObject({ ok: true });
});

test('a certificate that nobody vouches for is refused', async () => {
  const mailbox = await Mailbox.open({ certified });
  expect(await toOwner(mailbox.url()).tell(sampleNotice(), ADA)).toMatchObject({
    ok: false,
    error: expect.stringMatching(/certificate/i) as string,
  });
});

test('a wrong password and a refused recipient are told, without the password', async () => {
  const mailbox = await Mailbox.open({ certified });
  const wrong = await toOwner(mailbox.url(SELF_SIGNED, 'hunter2!')).tell(sampleNotice(), ADA);
  expect(wrong).toMatchObject({
    ok: false,
    error: expect.stringContaining('no such user or password: *** ***') as string,
  });
  expect(JSON.stringify(wrong)).not.toContain('hunter2');
  mailbox.admit = (address) => {
    throw new Error(`${address} is away, says ${PASSWORD}`);
  };
  const refused = await toOwner(mailbox.url(SELF_SIGNED)).tell(sampleNotice(), ADA);
  expect(refused).toMatchObject({ ok: false, error: expect.stringContaining('is away, says ***') as string });
});

test('a server that accepts a connection and says nothing is waited for 10 s', { timeout: 30_000 }, async () => {
  const silent = createServer(() => undefined);
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  atEnd(() => void silent.close());
  const { port } = silent.address() as AddressInfo;
  const told = await toOwner(`smtp://127.0.0.1:${port}`).tell(sampleNotice(), ADA);
  expect(told).toMatchObject({ ok: false, error: expect.stringMatching(/10 s|timeout|greeting/i) as string });
});
