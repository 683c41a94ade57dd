import { expect, test } from 'vitest';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import { open, seal } from '../../src/crypto/seal.ts';

const [may, april] = [generateKey('may'), generateKey('april')];
const keyring = parseKeyring(`${may},${april}`, 'test');
const place = { scope: 'checkpoint job-1', bound: [41, 'state', 1] };
const plain = Buffer.from('the state');

test('what was sealed opens at its place', () => {
  expect(open(keyring, seal(keyring, plain, place), place)).toEqual(plain);
  expect(open(keyring, seal(keyring, Buffer.alloc(0), place), place)).toEqual(Buffer.alloc(0));
});

test('the same bytes are sealed differently each time', () => {
  const [a, b] = [seal(keyring, plain, place), seal(keyring, plain, place)];
  expect(a.nonce).not.toEqual(b.nonce);
  expect(a.ciphertext).not.toEqual(b.ciphertext);
});

test('an older key of the ring still opens', () => {
  const sealed = seal(parseKeyring(april, 'test'), plain, place);
  expect(open(keyring, sealed, place)).toEqual(plain);
});

test('without its key it does not', () => {
  const sealed = seal(keyring, plain, place);
  expect(() => open(parseKeyring(april, 'test'), sealed, place)).toThrow(
    expect.objectContaining({ code: 'KEY_MISSING' }),
  );
});

const flipped = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
};
const sealed = seal(keyring, plain, place);
test.each([
  ['another key of the ring', { ...sealed, keyId: 'april' }, place],
  ['a bit of its nonce', { ...sealed, nonce: flipped(sealed.nonce, 0) }, place],
  ['no nonce', { ...sealed, nonce: Buffer.alloc(0) }, place],
  ['a bit of its ciphertext', { ...sealed, ciphertext: flipped(sealed.ciphertext, 0) }, place],
  ['a bit of its tag', { ...sealed, ciphertext: flipped(sealed.ciphertext, sealed.ciphertext.length - 1) }, place],
  ['a tag cut short', { ...sealed, ciphertext: sealed.ciphertext.subarray(0, -1) }, place],
  ['nothing left of it', { ...sealed, ciphertext: Buffer.alloc(0) }, place],
  ['another job', sealed, { ...place, scope: 'checkpoint job-2' }],
  ['another number', sealed, { ...place, bound: [42, 'state', 1] }],
  ['another kind', sealed, { ...place, bound: [41, 'done', 1] }],
  ['another version', sealed, { ...place, bound: [41, 'state', 2] }],
])('refused: %s', (_, changed, at) => {
  expect(() => open(keyring, changed, at)).toThrow(expect.objectContaining({ code: 'SEAL_BROKEN' }));
});
