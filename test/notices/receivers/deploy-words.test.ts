import { describe, expect, test } from 'vitest';
import { DEPLOY_EVENTS } from '../../../src/notices/events.ts';
import { slackMessage } from '../../../src/notices/slack.ts';
import { wordsOf } from '../../../src/notices/words.ts';
import { sampleDeployNotice } from '../sample.ts';

const STEP = { n: 1, name: 'replace-workers', type: 'external' };
const FREEZE = { kind: 'freeze', reason: 'sale', since: 0, until: Date.UTC(2026, 10, 30) } as const;
const DRAIN = {
  past: false,
  deadline: '2026-02-03T04:05:18Z',
  onTimeout: 'abandon',
  taskQueues: ['imports', 'reports'],
  participants: [],
} as const;

test('each event in a line', () => {
  expect(DEPLOY_EVENTS.map((event) => wordsOf(sampleDeployNotice(event)).title)).toEqual([
    '[production] Deploy v42 was asked for',
    '[production] Deploy v42 waits',
    '[production] Deploy v42 has begun',
    '[production] Deploy v42 has not drained, and its deadline is near',
    '[production] Deploy v42 has lost its lease',
    '[production] Deploy v42 is held before its next step',
    '[production] Deploy v42 failed',
    '[production] Deploy v42 was rolled back',
    '[production] Deploy v42 was ended by a person',
    '[production] Deploy v42 has succeeded',
  ]);
});

test('a deploy that waits for a decision: who, which, what, until when, and what to type', () => {
  const { facts, text, commands } = wordsOf(
    sampleDeployNotice('deploy.held', { step: STEP, until: '2026-02-03T05:05:06+00:00', reason: 'lease lost' }),
  );
  expect(text).toContain('step 1, replace-workers');
  expect(Object.fromEntries(facts)).toMatchObject({
    Version: '4.2',
    'Asked for by': 'rita',
    Step: '1, replace-workers',
    Until: '2026-02-03 05:05:06 UTC',
    Reason: 'lease lost',
  });
  expect(commands).toEqual([
    'lockkeeper deploy show v42 --environment production',
    'lockkeeper deploy retry-step v42 --reason … --environment production',
    'lockkeeper deploy skip-step v42 --reason … --environment production',
    'lockkeeper deploy abort v42 --reason … --environment production',
  ]);
});

describe('what a deploy waits for, and what can be done about it', () => {
  test.each([
    [
      'approval',
      { kind: 'approval', needed: 2, by: ['ann'], notRequester: true, allowed: ['ann', 'bob'] } as const,
      'waits for approval',
      '1 of 2 have approved it: ann. It may be approved by bob, but not by the one who asked for it.',
      'lockkeeper deploy approve v42 --environment production',
    ],
    [
      'a freeze by a person',
      { ...FREEZE, by: 'ann' },
      'waits for the end of a freeze',
      'Frozen by ann until 2026-11-30 00:00:00 UTC: sale',
      'lockkeeper unfreeze --reason … --environment production',
    ],
    [
      'a freeze window, which no word ends',
      FREEZE,
      'waits for the end of a freeze',
      'Frozen by a window of lockkeeper.yaml until 2026-11-30 00:00:00 UTC: sale',
      'lockkeeper deploy expedite v42 --through-freeze --reason … --environment production',
    ],
    [
      'others',
      { kind: 'order', ahead: ['v40', 'v41'] } as const,
      'waits for v40, v41',
      'Deploys run one at a time, in the order of their approval.',
      'lockkeeper deploy expedite v42 --reason … --environment production',
    ],
    [
      'its time',
      { kind: 'schedule', at: Date.UTC(2027, 0, 1) } as const,
      'waits for its time',
      'It takes no part in the order before 2027-01-01 00:00:00 UTC.',
      'lockkeeper deploy show v42 --environment production',
    ],
  ])('%s', (_, waitsFor, became, text, command) => {
    const words = wordsOf(sampleDeployNotice('deploy.waiting', { waitsFor: { ...waitsFor } as never }));
    expect(words.title).toBe(`[production] Deploy v42 ${became}`);
    expect(words.text).toBe(text);
    expect(words.commands.at(-1)).toBe(command);
  });
});

test('a late drain says who holds it up, and what becomes of it', () => {
  const text = (drain: object) =>
    wordsOf(sampleDeployNotice('deploy.drainLate', { drain: { ...DRAIN, ...drain } as never }));
  expect(text({}).text).toBe(
    'Jobs on imports, reports have not stepped aside. At 2026-02-03 04:05:18 UTC they are given up, and go on later from their last checkpoint.',
  );
  expect(text({ past: true, onTimeout: 'wait' })).toMatchObject({
    title: '[production] Deploy v42 drains late',
    text: expect.stringContaining('The deadline was at 2026-02-03 04:05:18 UTC: it waits on') as string,
  });
  expect(text({ taskQueues: [], participants: ['cron-host'] }).text).toContain(
    'Not all of cron-host have said that they have stopped.',
  );
});

test('what people said makes no line of its own and names nobody', () => {
  const said = 'no\n*now* <!channel>';
  const notice = sampleDeployNotice('deploy.aborted', { said });
  expect(wordsOf(notice).text).toContain('no *now* <!channel>');
  expect(JSON.stringify(slackMessage(notice))).not.toMatch(/<!/);
});
