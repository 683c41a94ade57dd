import { LEDGER_DATABASE } from '../config.ts';
import type { Finding } from '../problems.ts';
import { field } from '../raw.ts';
import type { Source } from '../source.ts';

/** The ledger has one URL; a second one for the migrations alone would migrate another database than the workers use. */
export function checkDatabases(source: Source): Finding[] {
  const { name, env } = LEDGER_DATABASE;
  if (field(field(source.value, 'databases'), name) === undefined) return [];
  return [
    {
      path: ['databases', name],
      atKey: true,
      message: `\`${name}\` is always there, at the URL in ${env}; remove it or use another name`,
    },
  ];
}
