import { expect, test } from 'vitest';
import { JobSeal } from '../../src/crypto/job-seal.ts';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import { defineJob } from '../../src/jobs/index.ts';
import { rotateKeys } from '../../src/jobs/rotate-keys.ts';
import { keysInUse } from '../../src/ledger/keys.ts';
import { openQueue } from '../support/claiming.ts';
import { freshLedger } from '../support/fresh-ledger.ts';
import { runOne } from '../jobs/slices.ts';
import { rowsWith } from './scan.ts';

const SECRET = 'maria.keller@example.com';

test('keys that are introduced later encrypt the notes of before, too', async () => {
  const ledger = await freshLedger();
  const taskQueue = await openQueue(ledger);
  const noted = defineJob({
    name: 'noted',
    taskQueue,
    state: { initial: { at: 0 } },
    async *run(job) {
      job.progress(1, 1, `writes to ${SECRET}`);
      yield { at: 1 };
    },
  });
  const { key } = await runOne(noted, { ledger, taskQueue });
  expect(await keysInUse(ledger)).toEqual([{ keyId: 'none', checkpoints: 1, texts: 1 }]);
  expect(await rowsWith(ledger, SECRET)).toHaveLength(1);

  const keyring = parseKeyring(generateKey('k1'), 'test').acceptingPlaintext();
  const rotation = rotateKeys(keyring, taskQueue);
  const { end } = await runOne(rotation, { ledger, taskQueue, keyring, input: { to: 'k1' } });
  expect(end).toMatchObject({ kind: 'done' });
  expect(await rowsWith(ledger, SECRET)).toEqual([]);
  expect((await keysInUse(ledger)).map(({ keyId }) => keyId)).toEqual(['k1']);
  const { rows } = await ledger.pool.query<{ note: string }>(
    'select progress_note as note from lockkeeper._jobs where key = $1',
    [key],
  );
  expect(new JobSeal(keyring, key).openText(rows[0]!.note, 'note')).toBe(`writes to ${SECRET}`);
});
