/** First line of every page that a script writes. */
export const GENERATED = '<!-- Written by `npm run docs:generate`; edit what it is made from, not this page. -->';

/** A text as a cell of a table; what stands between backticks is shown as it is. */
export const cell = (text: string): string =>
  text
    .split('`')
    .map((part, i) => (i % 2 === 0 ? part.replaceAll('<', '&lt;') : part))
    .join('`')
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ');

export const code = (language: string, text: string): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
