import type { Finding } from '../problems.ts';
import { field } from '../raw.ts';
import type { Source } from '../source.ts';

/** Whoever has keys and says that nothing is to be encrypted means one of the two. */
export function checkEncryption(source: Source): Finding[] {
  const encryption = field(source.value, 'encryption');
  if (field(encryption, 'mode') !== 'plaintext') return [];
  return ['keyFile', 'acceptPlaintext']
    .filter((option) => field(encryption, option) != null)
    .map((option) => ({
      path: ['encryption', option],
      message: 'is of no use with `mode: plaintext`, which encrypts nothing; keep one of the two',
    }));
}
