import type { Ledger } from '../../src/ledger/pool.ts';

/** The row to be changed, and a job from which it could be copied. */
export interface Target {
  readonly key: string;
  readonly seq: number;
  readonly otherKey: string;
}

const AT = 'key = $1 and seq = $2';
const change =
  (set: string) =>
  async (ledger: Ledger, { key, seq }: Target) => {
    await ledger.pool.query(`update lockkeeper._checkpoints set ${set} where ${AT}`, [key, seq]);
  };
const flip = (column: string, at: string) => `${column} = set_byte(${column}, ${at}, get_byte(${column}, ${at}) # 1)`;

/** Each part of a saved row, changed or moved by somebody who can write into the database; and what the refusal says. */
export const TAMPERINGS: Readonly<
  Record<string, { readonly act: (ledger: Ledger, target: Target) => Promise<void>; readonly says: RegExp }>
> = {
  'another key of the ring': { act: change(`key_id = 'k2'`), says: /changed or moved/ },
  'its nonce': { act: change(flip('nonce', '0')), says: /changed or moved/ },
  'no nonce': { act: change(`nonce = ''`), says: /changed or moved/ },
  'its ciphertext': { act: change(flip('ciphertext', '0')), says: /changed or moved/ },
  'its tag': { act: change(flip('ciphertext', 'length(ciphertext) - 1')), says: /changed or moved/ },
  'cut short': { act: change('ciphertext = substr(ciphertext, 1, length(ciphertext) - 1)'), says: /changed or moved/ },
  'its state version': { act: change('state_version = state_version + 1'), says: /changed or moved/ },
  'its kind': {
    act: change(`kind = case kind when 'state' then 'done' else 'state' end`),
    says: /is the job's result|is not in the ledger/,
  },
  'an older row in its place': {
    act: async (ledger, { key, seq }) => {
      await ledger.pool.query(
        `with older as (select key_id, nonce, ciphertext from lockkeeper._checkpoints where key = $1 and seq = $2::bigint - 1)
         update lockkeeper._checkpoints p set key_id = o.key_id, nonce = o.nonce, ciphertext = o.ciphertext from older o
         where p.key = $1 and p.seq = $2`,
        [key, seq],
      );
    },
    says: /changed or moved/,
  },
  'the row of another job': {
    act: async (ledger, { key, seq, otherKey }) => {
      await ledger.pool.query(
        `update lockkeeper._checkpoints p set key_id = o.key_id, nonce = o.nonce, ciphertext = o.ciphertext
         from lockkeeper._checkpoints o where p.key = $1 and p.seq = $2 and o.key = $3 and o.seq = p.seq`,
        [key, seq, otherKey],
      );
    },
    says: /changed or moved/,
  },
  'a plain one': { act: change(`key_id = 'none', nonce = '', ciphertext = '{"at":5}'`), says: /is not encrypted/ },
  nothing: {
    act: async (ledger, { key, seq }) => {
      await ledger.pool.query(`delete from lockkeeper._checkpoints where ${AT}`, [key, seq]);
    },
    says: /is not in the ledger/,
  },
};
