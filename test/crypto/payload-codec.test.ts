import { defaultPayloadConverter } from '@temporalio/common';
import type { Payload } from '@temporalio/common';
import { expect, test } from 'vitest';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import { EncryptionCodec } from '../../src/crypto/payload-codec.ts';

const keyring = parseKeyring(generateKey('may'), 'test');
const codec = new EncryptionCodec(keyring, 'default');
const payload = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const value = (of: Payload | undefined): unknown => defaultPayloadConverter.fromPayload(of!);

test('what is encoded is ciphertext, and comes back as it was, metadata included', async () => {
  const given = [payload({ secret: 'marker' }), payload(undefined), payload(Buffer.from([1, 2]))];
  const encoded = await codec.encode(given);
  expect(JSON.stringify(encoded.map((p) => Buffer.from(p.data!).toString()))).not.toContain('marker');
  const decoded = await codec.decode(encoded);
  expect(decoded.map(value)).toEqual([{ secret: 'marker' }, undefined, new Uint8Array([1, 2])]);
  expect(decoded.map((p) => Buffer.from(p.metadata!.encoding!).toString())).toEqual([
    'json/plain',
    'binary/null',
    'binary/plain',
  ]);
});

test('what a person typed is passed on as it is', async () => {
  const typed = payload({ deploy: 'v42' });
  expect(await codec.decode([typed])).toEqual([typed]);
});

test('a payload opens in its own namespace only', async () => {
  const encoded = await codec.encode([payload('x')]);
  await expect(new EncryptionCodec(keyring, 'other').decode(encoded)).rejects.toMatchObject({ code: 'SEAL_BROKEN' });
});

test('a payload cut short is refused', async () => {
  const [encoded] = await codec.encode([payload('x')]);
  await expect(codec.decode([{ ...encoded, data: encoded!.data!.subarray(0, 20) }])).rejects.toMatchObject({
    code: 'SEAL_BROKEN',
  });
});
