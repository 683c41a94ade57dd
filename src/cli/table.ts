import Table from 'cli-table3';

/** No lines but one under the head: such a table is read as well by people as by grep and awk. */
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
  middle: '  ',
};

/** A table of text; columns as wide as they need to be. */
export function table(head: readonly string[], rows: readonly (readonly (string | number | undefined)[])[]): string {
  const shown = new Table({ chars: PLAIN, style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 } });
  shown.push(
    [...head],
    ...rows.map((row) => row.map((cell) => (cell === undefined || cell === '' ? '-' : String(cell)))),
  );
  return shown
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** `2026-02-03 04:05:06Z`: sorts, and means the same on every machine. */
export const formatTime = (at: Date | undefined): string | undefined =>
  at && `${at.toISOString().slice(0, 19).replace('T', ' ')}Z`;
