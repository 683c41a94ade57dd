import { expect, test } from 'vitest';
import { slackMessage } from '../../../src/notices/slack.ts';
import { receiver, sampleNotice } from '../sample.ts';
import { WebReceiver } from '../web-receiver.ts';

test('a channel is sent text and blocks', async () => {
  const server = await WebReceiver.open();
  server.answer = (response) => void response.writeHead(200).end('ok');
  const told = await receiver({ type: 'slack' }, { URL: server.url }).tell(sampleNotice(), undefined);
  expect(told).toEqual({ ok: true, said: 'answered 200' });
  const message = JSON.parse(server.deliveries[0]!.body) as { text: string; blocks: { type: string }[] };
  expect(message.text).toBe('[production] Job import-7 is in quarantine');
  expect(message.blocks.map(({ type }) => type)).toEqual(['section', 'section', 'context']);
  expect(JSON.stringify(message.blocks)).toContain('`lockkeeper job release import-7 --continue`');
});

test('what a job is called names nobody and makes no link', () => {
  const evil = '<!channel> <https://evil.example|click> & co';
  const text = JSON.stringify(slackMessage(sampleNotice('job.failed', { id: evil, owner: evil, reason: evil })));
  expect(text).not.toMatch(/<|>/);
  expect(text).toContain('&lt;!channel&gt; &lt;https://evil.example|click&gt; &amp; co');
});

test('texts stay below what Slack takes, and no entity is cut in two', () => {
  const { blocks } = slackMessage(sampleNotice('job.failed', { reason: '&'.repeat(900) }));
  const reasons = JSON.stringify(blocks).match(/\*Reason\*\\n([^"]*)/)!;
  expect(reasons[1]!.length).toBeLessThanOrEqual(2_000);
  expect(reasons[1]).toMatch(/^(&amp;)+…$/);
  const { fields } = blocks[1] as { fields: unknown[] };
  expect(fields.length).toBeLessThanOrEqual(10);
});
