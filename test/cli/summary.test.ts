import { expect, test } from 'vitest';
import { formatDuration } from '../../src/duration.ts';
import { summaryOf, writeSummary } from '../../src/cli/deploy/summary.ts';

const ENDED = {
  id: 'v42',
  environment: 'production',
  ms: 65_000,
  end: { kind: 'ended', outcome: 'succeeded' },
} as const;

test('how a deploy ended, as Markdown', () => {
  expect(summaryOf(ENDED)).toBe(`\
### Deploy v42: succeeded

| | |
| --- | --- |
| Deploy | \`v42\` |
| Environment | \`production\` |
| Took | ${formatDuration(65_000)} |
| Exit code | 0 |
| Look | \`lockkeeper deploy show v42 --environment production\` |
`);
});

test('a reason is shown as it is, whatever Markdown or HTML it holds', () => {
  const reason = 'step 1 failed:\n```\n# not a heading\r\n<img src=x>';
  const summary = summaryOf({ ...ENDED, end: { kind: 'ended', outcome: 'failed', reason } });
  expect(summary.split('\n\n').at(-1)).toBe('    step 1 failed:\n    ```\n    # not a heading\n    <img src=x>\n');
});

test('a summary that cannot be written is an error that says how the deploy ended', async () => {
  await expect(writeSummary('/nonexistent/summary.md', ENDED)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringMatching(/^deploy v42 ended \(succeeded\), and its summary could not be written/) as string,
  });
});
