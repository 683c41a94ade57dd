import stringWidth from 'string-width';

type Row = readonly string[];

export interface Fit {
  /** Columns of the screen; undefined: as wide as it needs to be. */
  readonly width?: number | undefined;
  /** Heads of columns that are left out, in this order, where the others would become unreadable. */
  readonly leaveOut?: readonly string[];
}

export interface Fitted {
  readonly head: Row;
  readonly rows: readonly Row[];
  readonly widths: readonly number[];
}

/** What a column needs at least to be worth reading; narrower ones stay as they are. */
const READABLE = 10;

/**
 * Makes a table as narrow as the screen: the least important columns go first, then the widest ones are cut, and that
 * which names the row (the first) last of all. Pure.
 */
export function fitTable(head: Row, rows: readonly Row[], gap: number, fit: Fit = {}): Fitted {
  let fitted: Fitted = { head, rows, widths: naturalWidths(head, rows) };
  if (fit.width === undefined) return fitted;
  const [first = 0] = fitted.widths;
  const least = ({ widths }: Fitted) => total([first, ...widths.slice(1).map((w) => Math.min(w, READABLE))], gap);
  for (const name of fit.leaveOut ?? []) {
    if (least(fitted) <= fit.width) break;
    fitted = without(fitted, fitted.head.indexOf(name));
  }
  return { ...fitted, widths: shrink(fitted.widths, gap, fit.width) };
}

const naturalWidths = (head: Row, rows: readonly Row[]) =>
  head.map((name, i) => Math.max(stringWidth(name), ...rows.map((row) => stringWidth(row[i] ?? ''))));

const total = (widths: readonly number[], gap: number) =>
  widths.reduce((sum, w) => sum + w, 0) + gap * (widths.length - 1);

function without({ head, rows, widths }: Fitted, at: number): Fitted {
  if (at < 0) return { head, rows, widths };
  const keep = <T>(cells: readonly T[]) => cells.filter((_, i) => i !== at);
  return { head: keep(head), rows: rows.map(keep), widths: keep(widths) };
}

function shrink(natural: readonly number[], gap: number, width: number): number[] {
  const widths = [...natural];
  while (total(widths, gap) > width) {
    const others = Math.max(0, ...widths.slice(1));
    const at = others > READABLE || (widths[0] ?? 0) <= READABLE ? widths.indexOf(others, 1) : 0;
    if (at < 0 || widths[at]! <= 1) return widths;
    widths[at]! -= 1;
  }
  return widths;
}
