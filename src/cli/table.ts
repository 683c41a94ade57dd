import Table from 'cli-table3';
import { fitTable } from './table-fit.ts';
import type { Fit } from './table-fit.ts';

const GAP = '  ';

/** No lines: such a table is read as well by people as by grep and awk. */
const PLAIN = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: GAP,
};

type Cell = string | number | undefined;

/** A table of text, a line a row; columns as wide as they need to be, or as `fit` lets them. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[], fit?: Fit): string {
  const fitted = fitTable(
    head,
    rows.map((row) => row.map(cellText)),
    GAP.length,
    fit,
  );
  const shown = new Table({
    chars: PLAIN,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colWidths: [...fitted.widths],
  });
  shown.push([...fitted.head], ...fitted.rows.map((row) => [...row]));
  return shown
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const cellText = (cell: Cell) => (cell === undefined || cell === '' ? '-' : String(cell).replace(/\s*\n\s*/g, ' '));

/** `2026-02-03 04:05:06Z`: sorts, and means the same on every machine. */
export const formatTime = (at: Date | undefined): string | undefined =>
  at && `${at.toISOString().slice(0, 19).replace('T', ' ')}Z`;
