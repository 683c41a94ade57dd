import type { Ledger } from '../../src/ledger/pool.ts';
import { checkJson, checkSql, checkToml } from './check-data.ts';
import { checkShell } from './check-shell.ts';
import { checkYaml } from './check-yaml.ts';
import type { Block } from './pages.ts';

/** Languages of which nothing can be said. */
const UNCHECKED = ['text', 'mermaid'];

/** Scripts that test/ci really runs; a program that answers nothing would let them wait for ever. */
const RUN_FOR_REAL = ['by-signals'];

/** What is wrong with one block, a line each; `ts` is checked a page at a time, by `checkTypeScript`. */
export async function checkBlock(block: Block, ledger: Ledger): Promise<string[]> {
  switch (block.lang) {
    case 'ts':
      return [];
    case 'sh':
      return block.name !== undefined && RUN_FOR_REAL.includes(block.name) ? [] : checkShell(block);
    case 'yaml':
      return checkYaml(block);
    case 'json':
      return checkJson(block);
    case 'toml':
      return checkToml(block);
    case 'sql':
      return checkSql(block, ledger);
    default:
      if (block.lang !== undefined && UNCHECKED.includes(block.lang)) return [];
      return [
        `${block.at}: nobody checks ${block.lang ?? 'a block without a language'}; use ts, sh, yaml, toml, json or sql, or say text`,
      ];
  }
}
