import { z } from 'zod';
import { named } from './shape.ts';
import type { JsonOutput } from './shape.ts';

export const GeneratedKey = z.object({
  id: z.string(),
  key: z.string().describe('with its secret: it is there to be used; absent with `--file`').optional(),
  file: z.string().describe('the file that it was added to').optional(),
});

const InLedger = {
  checkpoints: z.number().describe('saved states and results; absent when no ledger was asked').optional(),
  texts: z.number().describe('notes of progress, and reasons').optional(),
};

const ListedKey = named('ListedKey', 'A key, and what it still encrypts in the ledger.', {
  id: z.string(),
  encrypts: z.boolean().describe('the first one of the keyring does'),
  inKeyring: z.boolean().describe('`false`: the ledger needs it, and it is not there'),
  ...InLedger,
});

export const ListedKeys = z.object({
  from: z.string().describe('the file or variable; absent when nothing is to be encrypted').optional(),
  keys: z.array(ListedKey),
  plaintext: z.object(InLedger).describe('what of the ledger is not encrypted').optional(),
});

export const KEYS_OUTPUTS: readonly JsonOutput[] = [
  { command: 'keys generate', form: 'one', says: 'The key, or where it is.', schema: GeneratedKey },
  { command: 'keys list', form: 'one', says: 'The first one encrypts.', schema: ListedKeys },
];
