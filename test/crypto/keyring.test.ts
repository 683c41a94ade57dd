import { format, inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';

const secret = (n: number) => Buffer.alloc(32, n).toString('base64');

test('the first key encrypts, all of them are there', () => {
  const keyring = parseKeyring(
    `# since May\nmay:${secret(1)}, april:${secret(2)}\n\nmarch:${secret(3)} # old`,
    'LOCKKEEPER_KEYS',
  );
  expect(keyring.current.id).toBe('may');
  expect(keyring.ids).toEqual(['may', 'april', 'march']);
  expect(keyring.get('april').secret()).toEqual(Buffer.alloc(32, 2));
});

test('a generated key is an entry of a keyring, another one each time', () => {
  const [a, b] = [generateKey('may'), generateKey('may')];
  expect(a).not.toBe(b);
  expect(parseKeyring(a, 'a').current.secret()).toHaveLength(32);
});

test('a key that is not there is named, with those that are', () => {
  expect(() => parseKeyring(`may:${secret(1)}`, 'LOCKKEEPER_KEYS').get('april')).toThrow(
    'key april is not in the keyring, which has may',
  );
});

test.each([
  ['', 'LOCKKEEPER_KEYS holds no key'],
  ['# only a comment', 'LOCKKEEPER_KEYS holds no key'],
  [secret(1), 'LOCKKEEPER_KEYS, key 1: no `:` between its id and its secret'],
  [`none:${secret(1)}`, 'LOCKKEEPER_KEYS, key 1: its id is not usable'],
  [`a b:${secret(1)}`, 'LOCKKEEPER_KEYS, key 1: no `:`'],
  [
    `may:${Buffer.alloc(16, 1).toString('base64')}`,
    'LOCKKEEPER_KEYS, key 1 (may): its secret has 16 bytes, 32 are needed',
  ],
  [`may:${secret(1).slice(0, 8)}!${secret(1).slice(8)}`, 'LOCKKEEPER_KEYS, key 1 (may): its secret is not base64'],
  [`may:${secret(1)},may:${secret(2)}`, 'LOCKKEEPER_KEYS holds two keys with the id may'],
])('%j is refused', (text, message) => {
  expect(() => parseKeyring(text, 'LOCKKEEPER_KEYS')).toThrow(message);
});

describe('secrets do not show', () => {
  const keyring = parseKeyring(`may:${secret(1)}`, 'x');
  test.each([
    ['inspected', inspect(keyring, { depth: 9, showHidden: true })],
    ['as JSON', JSON.stringify(keyring)],
    ['formatted', format('%s %o', keyring.current, keyring)],
  ])('%s', (_, shown) => expect(shown).not.toContain(secret(1).slice(0, 10)));

  test('in a refusal', () => {
    const wrong = `may:${secret(7).slice(0, 30)}`;
    expect(() => parseKeyring(wrong, 'x')).toThrow(expect.not.stringContaining(secret(7).slice(0, 10)));
  });
});
