import Table from 'cli-table3';

/** One line of what an example tells. */
export function say(text: string): void {
  console.log(`▸ ${text}`);
}

/** Numbers with thousands apart, texts as they are; all but the first column to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const shown = new Table({
    head: [...head],
    style: { head: [], border: [] },
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    // A line under the head only.
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  shown.push(...rows.map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en') : cell))));
  const [top, names, ...others] = shown.toString().split('\n');
  return [top, names, top!.replace('┌', '├').replaceAll('┬', '┼').replace('┐', '┤'), ...others].join('\n');
}

/** What was counted, and what it must be; undefined: it is only told. */
export type Check = readonly [what: string, found: number, expected: number | undefined];

/** Prints them, and says whether all are as they must be. */
export function allAsExpected(checks: readonly Check[]): boolean {
  console.log(
    table(
      ['', 'found', 'expected'],
      checks.map(([what, found, expected]) => [what, found, expected ?? '']),
    ),
  );
  const wrong = checks.filter(([, found, expected]) => expected !== undefined && found !== expected);
  for (const [what, found, expected] of wrong) console.error(`WRONG: ${what}: ${found}, expected ${expected}`);
  return wrong.length === 0;
}
