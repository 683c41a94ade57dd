import { expect, test } from 'vitest';
import { JOB_EVENTS } from '../../../src/notices/events.ts';
import { wordsOf } from '../../../src/notices/words.ts';
import { sampleNotice } from '../sample.ts';

test('each event in a line', () => {
  expect(JOB_EVENTS.map((event) => wordsOf(sampleNotice(event)).title)).toEqual([
    '[production] Job import-7 was interrupted',
    '[production] Job import-7 goes on',
    '[production] Job import-7 is in quarantine',
    '[production] Job import-7 failed',
    '[production] Job import-7 is done',
    '[production] Job import-7 was cancelled',
  ]);
});

test('an interruption says from where it goes on, also when nothing was saved', () => {
  const text = (checkpoint: number) => wordsOf(sampleNotice('job.interrupted', { checkpoint })).text;
  expect(text(41)).toBe('It is to go on by itself from checkpoint 41 as soon as it can.');
  expect(text(0)).toBe('It is to begin again by itself as soon as it can.');
});

test('commands can be copied into a shell, whatever the job is called', () => {
  const { commands } = wordsOf(sampleNotice('job.failed', { id: `a b'; rm -rf /` }));
  expect(commands).toEqual([`lockkeeper job show 'a b'\\''; rm -rf /'`]);
});

test('a long id is cut in the title, and told whole below', () => {
  const id = 'x'.repeat(900);
  const { title, facts } = wordsOf(sampleNotice('job.finished', { id }));
  expect(title.length).toBeLessThan(150);
  expect(facts[0]).toEqual(['Job', id]);
});
