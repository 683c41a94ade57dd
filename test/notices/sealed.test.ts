import { expect, test } from 'vitest';
import { generateKey, parseKeyring } from '../../src/crypto/keyring.ts';
import { failing } from '../app/count-job.ts';
import { rowsWith } from '../saved-state/scan.ts';
import { eventually } from '../support/eventually.ts';
import { openScene } from '../support/scene.ts';
import { receiver } from './sample.ts';
import { SECRET, WebReceiver } from './web-receiver.ts';

test('why a job failed is told to who is to hear of it, and is nowhere plain in a ledger that is encrypted', async () => {
  const scene = await openScene(parseKeyring(generateKey('k1'), 'test'));
  const server = await WebReceiver.open();
  await scene.startWorker([failing]);
  await scene.startDeployWorker([receiver({ type: 'webhook', details: true }, { URL: server.url, SECRET })]);
  await scene.jobs.start(failing, { progress: false, times: 9 }, { id: 'fails' });
  await eventually(() =>
    expect(server.notices).toMatchObject([{ type: 'job.failed', data: { job: { id: 'fails', reason: 'failure 1' } } }]),
  );
  expect(await rowsWith(scene.ledger, 'failure 1')).toEqual([]);
}, 60_000);
