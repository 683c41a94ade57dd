import { expect, test } from 'vitest';
import { generateKey, parseKeyring } from '../../../src/crypto/keyring.ts';
import { NAMESPACE, base64, codecServer, encrypted, keyring, plainJson, valuesOf } from '../bench.ts';

const server = await codecServer();

test('what was encrypted comes back readable, in its order, and what was not comes back as it was', async () => {
  const payloads = [await encrypted({ city: 'Ghent' }), plainJson('typed by a person'), await encrypted([1, 2])];
  const answer = await server.post('/decode', { payloads });
  expect(answer.status).toBe(200);
  expect(await valuesOf(answer)).toEqual([{ city: 'Ghent' }, 'typed by a person', [1, 2]]);
});

test('the parameter that the Web UI adds to the address changes nothing', async () => {
  const answer = await server.post('/decode?preserveStorageRefs=true', { payloads: [await encrypted('x')] });
  expect(await valuesOf(answer)).toEqual(['x']);
});

test('a payload that cannot be decoded comes back as it was, with the reason, and those beside it are readable', async () => {
  const ofLostKey = await encrypted('lost', parseKeyring(generateKey('lost'), 'the test'));
  const ofOtherNamespace = await encrypted('moved', keyring, 'another');
  const changed = { ...(await encrypted('changed')), data: base64('x'.repeat(80)) };
  const cut = { ...(await encrypted('cut')), data: '' };
  const payloads = [await encrypted('before'), ofLostKey, ofOtherNamespace, changed, cut, await encrypted('after')];
  const answer = await server.post('/decode', { payloads });
  expect(answer.status).toBe(200);
  const found = ((await answer.clone().json()) as { payloads: { metadata: Record<string, string>; data: string }[] })
    .payloads;
  const reasons = found.map(({ metadata }) =>
    Buffer.from(metadata['lockkeeper-decode-error'] ?? '', 'base64')
      .toString()
      .replace(/:.*/, ''),
  );
  expect(reasons).toEqual(['', 'KEY_MISSING', 'SEAL_BROKEN', 'SEAL_BROKEN', 'SEAL_BROKEN', '']);
  expect(found[1]!.data).toBe(ofLostKey.data);
  expect(await valuesOf(answer)).toEqual(['before', ...Array<string>(4).fill('binary/lockkeeper-encrypted'), 'after']);
  expect(server.logged()).toContain('"failed":{"KEY_MISSING":1,"SEAL_BROKEN":3}');
});

test('what is encoded is encrypted for its namespace, and decodes again', async () => {
  const encoded = await server.post('/encode', { payloads: [plainJson({ rows: 3 })] });
  const text = await encoded.text();
  expect(text).not.toContain(base64(JSON.stringify({ rows: 3 })));
  const { payloads } = JSON.parse(text) as { payloads: unknown[] };
  expect(await valuesOf(await server.post('/decode', { payloads }))).toEqual([{ rows: 3 }]);
});

test('fields of a payload that we do not know, and payloads without data or metadata, come back', async () => {
  const payloads = [{ externalPayloads: [{ sizeBytes: 3 }], ...plainJson(1) }, {}, { metadata: null, data: null }];
  const answer = await server.post('/decode', { payloads });
  expect(await answer.json()).toEqual({ payloads });
});

test('10,000 payloads are decoded at once', async () => {
  const payload = await encrypted('many');
  const answer = await server.post('/decode', { payloads: Array(10_000).fill(payload) });
  expect(new Set(await valuesOf(answer))).toEqual(new Set(['many']));
  expect(server.logged()).toContain(`"namespace":"${NAMESPACE}","count":10000`);
});

test('no payloads are no payloads', async () => {
  expect(await valuesOf(await server.post('/decode', { payloads: [] }))).toEqual([]);
});
