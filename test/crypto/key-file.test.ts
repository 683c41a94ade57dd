import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addKey } from '../../src/crypto/add-key.ts';
import { expectEncryption, findEncryption } from '../../src/crypto/encryption.ts';
import { readKeyFile } from '../../src/crypto/key-file.ts';
import { generateKey } from '../../src/crypto/keyring.ts';
import { errorMessage } from '../../src/errors.ts';

let dir: string;
let file: string;
const key = generateKey('k1');
const secret = key.slice('k1:'.length);

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'lockkeeper-keys-'));
  file = path.join(dir, 'keys');
});
afterEach(() => rmSync(dir, { recursive: true }));

function write(text: string, mode = 0o600): string {
  writeFileSync(file, text, { mode });
  chmodSync(file, mode);
  return file;
}

const refused = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    expect(error).toMatchObject({ code: 'KEYRING_INVALID' });
    return errorMessage(error);
  }
  throw new Error('it was taken');
};

describe('a key file', () => {
  test('for its user alone is read; the first key encrypts', () => {
    expect(readKeyFile(write(`# of May\n${key}\n${generateKey('k0')}`), 'test').ids).toEqual(['k1', 'k0']);
  });

  test.each([0o644, 0o604, 0o660])('that others may read is refused (%o), with what to type', (mode) => {
    const message = refused(() => readKeyFile(write(key, mode), 'test'));
    expect(message).toMatch(/is open to others/);
    expect(message).toContain(`chmod 600 ${file}`);
    expect(message).not.toContain(secret);
  });

  test.runIf(process.geteuid?.() === 0)('of root may be read by its group, as Kubernetes mounts a secret', () => {
    expect(readKeyFile(write(key, 0o640), 'test').ids).toEqual(['k1']);
  });

  test.runIf(process.geteuid?.() === 0)('of another user is refused', () => {
    write(key);
    chownSync(file, 65_534, 65_534);
    expect(refused(() => readKeyFile(file, 'test'))).toContain('belongs to user 65534');
  });

  test('behind a link is read', () => {
    write(key);
    symlinkSync(file, path.join(dir, 'link'));
    expect(readKeyFile(path.join(dir, 'link'), 'test').ids).toEqual(['k1']);
  });

  test('that is not there, no file, empty or without keys is refused with words', () => {
    expect(refused(() => readKeyFile(file, 'LOCKKEEPER_KEY_FILE'))).toMatch(/\(LOCKKEEPER_KEY_FILE\) is not there/);
    mkdirSync(path.join(dir, 'folder'));
    expect(refused(() => readKeyFile(path.join(dir, 'folder'), 'test'))).toContain('is not a regular file');
    expect(refused(() => readKeyFile(write(''), 'test'))).toContain('holds no key');
    const cut = refused(() => readKeyFile(write(`k1:${secret.slice(4)}`), 'test'));
    expect(cut).toContain('32 are needed');
    expect(cut).not.toContain(secret.slice(4));
  });
});

describe('a key that is added', () => {
  test('comes first in a new file, for nobody else', () => {
    addKey(file, 'one');
    addKey(file, 'two');
    expect(readKeyFile(file, 'test').ids).toEqual(['two', 'one']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test.runIf(process.geteuid?.() === 0)('leaves mode, comments and link of the file as they are', () => {
    write(`# of May\n${key}\n`, 0o640);
    symlinkSync(file, path.join(dir, 'link'));
    addKey(path.join(dir, 'link'), 'k2');
    expect(readFileSync(file, 'utf8')).toMatch(/^k2:.*\n# of May\nk1:/);
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  test('under an id that is taken, or in a file that is none, changes nothing', () => {
    write(key);
    expect(refused(() => addKey(file, 'k1'))).toContain('has a key k1 already');
    expect(readFileSync(file, 'utf8')).toBe(key);
  });
});

describe('what is said about encryption', () => {
  test('variables come before the config; both variables are refused', () => {
    write(key);
    const settings = { keyFile: path.join(dir, 'nowhere') };
    expect(findEncryption({ LOCKKEEPER_KEY_FILE: file }, settings)).toMatchObject({ ids: ['k1'] });
    expect(findEncryption({ LOCKKEEPER_KEYS: key }, settings)).toMatchObject({ ids: ['k1'] });
    expect(refused(() => findEncryption({ LOCKKEEPER_KEYS: key, LOCKKEEPER_KEY_FILE: file }))).toContain('both set');
  });

  test('nothing is not enough; plain text must be said, and not beside keys', () => {
    expect(() => expectEncryption(findEncryption({}))).toThrow(/there are no keys/);
    expect(() => expectEncryption(findEncryption({ LOCKKEEPER_KEYS: '' }))).toThrow(/there are no keys/);
    expect(findEncryption({}, { mode: 'plaintext' })).toBe('plaintext');
    expect(refused(() => findEncryption({ LOCKKEEPER_KEYS: key }, { mode: 'plaintext' }))).toContain(
      'encryption.mode is plaintext, and there are keys in LOCKKEEPER_KEYS',
    );
  });
});
