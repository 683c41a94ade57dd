import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkSession } from './check-session.ts';
import { PROJECT } from './pages.ts';

const FOLDER = join(PROJECT, 'docs/sessions');
const read = (file: string) => readFileSync(join(FOLDER, file), 'utf8');

test('the recorded sessions are the ones that the script makes', () => {
  expect(readdirSync(FOLDER).sort()).toEqual(['deploy.svg', 'stuck.svg']);
});

test.each(['deploy.svg', 'stuck.svg'])('%s can be shown to anybody, and its commands can be typed', async (file) => {
  expect(await checkSession(file, read(file))).toEqual([]);
});

test('the deploy loses no work: all have passed, none twice, by old and new code', () => {
  expect(read('deploy.svg')).toContain('>{"passed":120,"twice":0,"keepers":"v1, v2"}<');
});

test('who asks for reduced motion sees how it ends', () => {
  const svg = read('deploy.svg');
  expect(svg).toContain('@media (prefers-reduced-motion:reduce){.a{animation:none}}');
  const still = svg.split('\n').filter((line) => line.startsWith('<g class="a" ') || line.startsWith('<text'));
  expect(still.join('\n')).toMatch(/"twice":0/);
  expect(still.join('\n')).not.toMatch(/\d\/120 \(\d?\d %\)/);
});

describe('a session that is not as it should be', () => {
  const good = read('stuck.svg');
  const broken = {
    'is not XML': good.replace('</svg>', ''),
    'has no title and description': good.replace(/<title.*<\/title>/, ''),
    'shows an absolute path, /tmp/lockkeeper-1': good.replace('>boats-2<', '>in /tmp/lockkeeper-1<'),
    'shows an e-mail address or user@host, ada@box': good.replace('>boats-2<', '>by ada@box<'),
    'shows an address with a port, 127.0.0.1:7233': good.replace('>boats-2<', '>at 127.0.0.1:7233<'),
    "unknown command 'borad'": good.replace('lockkeeper board', 'lockkeeper borad'),
    "unknown command 'shwo'": good.replace('lockkeeper deploy show', 'lockkeeper deploy shwo'),
    'more than 300000': good + ' '.repeat(300_000),
  };

  test.each(Object.entries(broken))('%s', async (complaint, svg) => {
    expect(await checkSession('broken.svg', svg)).toEqual([expect.stringContaining(complaint)]);
  });
});
