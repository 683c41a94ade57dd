import xterm from '@xterm/headless';
import type { IBufferCell } from '@xterm/headless';
import type { RecordedTerminal } from './recorded-terminal.ts';

/** Pieces of a line that look the same. */
export interface Run {
  readonly column: number;
  /** In columns. */
  readonly width: number;
  readonly text: string;
  /** Names of CSS classes, with blanks between them. */
  readonly look: string;
}

export interface Screen {
  /** Milliseconds from the beginning, idle time cut. */
  readonly at: number;
  readonly lines: readonly (readonly Run[])[];
}

/** Changes that are nearer to each other are shown as one, milliseconds. */
const FRAME = 90;

/** Every picture of a terminal, where `clock` says when an instant is shown. */
export async function screensOf(recorded: RecordedTerminal, clock: (at: number) => number): Promise<Screen[]> {
  const terminal = terminalFor(recorded);
  const screens: Screen[] = [];
  for (const [i, { at, bytes }] of recorded.shown.entries()) {
    await write(terminal, bytes);
    const next = recorded.shown[i + 1];
    if (next && next.at - at < FRAME && next.at - (screens.at(-1)?.at ?? 0) < FRAME) continue;
    const { baseY } = terminal.buffer.active;
    screens.push({ at: clock(at), lines: linesOf(terminal, baseY, baseY + recorded.rows) });
  }
  terminal.dispose();
  return screens;
}

/** Everything that a terminal shows in the end, and what can be scrolled back to. */
export async function wholeOf(recorded: RecordedTerminal): Promise<(readonly Run[])[]> {
  const terminal = terminalFor(recorded);
  for (const { bytes } of recorded.shown) await write(terminal, bytes);
  const { active } = terminal.buffer;
  const lines = linesOf(terminal, 0, active.baseY + active.cursorY);
  terminal.dispose();
  return lines;
}

const terminalFor = ({ columns, rows }: RecordedTerminal) =>
  new xterm.Terminal({ cols: columns, rows, scrollback: 1_000, allowProposedApi: true });

const write = (terminal: xterm.Terminal, bytes: Buffer) =>
  new Promise<void>((resolve) => terminal.write(bytes, resolve));

const linesOf = (terminal: xterm.Terminal, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => runsOf(terminal, from + i));

function runsOf(terminal: xterm.Terminal, y: number): Run[] {
  const line = terminal.buffer.active.getLine(y);
  const runs: { column: number; width: number; text: string; look: string }[] = [];
  for (let x = 0; line && x < terminal.cols; x += 1) {
    const cell = line.getCell(x)!;
    if (cell.getWidth() === 0) continue;
    const look = lookOf(cell);
    const last = runs.at(-1);
    const text = cell.getChars() || ' ';
    if (last?.look === look) {
      last.text += text;
      last.width += cell.getWidth();
    } else runs.push({ column: x, width: cell.getWidth(), text, look });
  }
  return runs.map(trimmed).filter(({ text }) => text !== '');
}

/** Without blanks at either end. */
function trimmed({ column, width, text, look }: Run): Run {
  const start = text.length - text.trimStart().length;
  const end = text.length - text.trimEnd().length;
  const trimmedText = text.trim();
  return { column: column + start, width: trimmedText === '' ? 0 : width - start - end, text: trimmedText, look };
}

function lookOf(cell: IBufferCell): string {
  if (cell.isInverse() || !cell.isBgDefault() || cell.isFgRGB() || (cell.isFgPalette() && cell.getFgColor() > 15))
    throw new Error(
      `"${cell.getChars()}" looks in a way that the drawing does not know; add it to lookOf and to svg.ts`,
    );
  return [
    ...(cell.isFgPalette() ? [`c${cell.getFgColor()}`] : []),
    ...(cell.isBold() ? ['b'] : []),
    ...(cell.isDim() ? ['d'] : []),
  ].join(' ');
}
