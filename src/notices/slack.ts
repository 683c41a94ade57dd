import type { Notice } from './notice.ts';
import { post } from './post.ts';
import type { Receiver } from './receiver.ts';
import { secretsOf, withoutSecrets } from './secrets.ts';
import { wordsOf } from './words.ts';

/** Slack refuses blocks with longer texts, and with more fields. */
const LONGEST_TEXT = 2_000;
const MOST_FIELDS = 10;

/** Posts to an incoming webhook of Slack, or of what speaks as Slack does. */
export function slackTeller(url: URL): Receiver['tell'] {
  const clean = withoutSecrets(secretsOf(url));
  return (notice) => post(url, JSON.stringify(slackMessage(notice)), {}, clean);
}

/** `text` is for notifications and screen readers, `blocks` for the channel. */
export function slackMessage(notice: Notice): { readonly text: string; readonly blocks: readonly unknown[] } {
  const { title, text, facts, commands } = wordsOf(notice);
  const fields = facts.slice(0, MOST_FIELDS).map(([name, value]) => mrkdwn(`*${name}*\n${escaped(value)}`));
  const typed = commands.map((command) => `\n\`${escaped(command)}\``).join('');
  return {
    text: escaped(title),
    blocks: [
      { type: 'section', text: mrkdwn(`*${escaped(title)}*\n${escaped(text)}${typed}`) },
      ...(fields.length > 0 ? [{ type: 'section', fields }] : []),
      { type: 'context', elements: [mrkdwn(`lockkeeper · notice ${notice.id}`)] },
    ],
  };
}

const mrkdwn = (text: string) => ({ type: 'mrkdwn', text });

/** Without it, a text could name everybody (`<!channel>`) or show one link and lead to another. */
function escaped(text: string): string {
  const whole = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  if (whole.length <= LONGEST_TEXT) return whole;
  // No entity is cut in two.
  return `${whole.slice(0, LONGEST_TEXT - 1).replace(/&[a-z]*$/, '')}…`;
}
