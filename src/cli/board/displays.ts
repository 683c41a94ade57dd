import { formatWholeSeconds } from '../../duration.ts';
import { FullScreen } from '../full-screen.ts';
import { BoardLine, boardJson } from '../json/board.ts';
import { printLineAs } from '../json/print.ts';
import { formatTime } from '../table.ts';
import { paintFor, print, tell } from '../terminal.ts';
import type { Away, Look, Part } from './look.ts';
import { boardScreen } from './screen.ts';

/** Where a board that is watched is shown. */
export interface Display {
  /** How many jobs are worth reading from the ledger. */
  readonly jobs: number | undefined;
  show(look: Look): void;
  end(): void;
}

export const NAMES: Record<Part, string> = { ledger: "the ledger's Postgres", temporal: 'Temporal' };

/** The terminal, redrawn in place. */
export function screenDisplay(intervalMs: number): Display {
  const paint = paintFor(process.stdout);
  let last: Look | undefined;
  const draw = () => last && screen.draw(screenLines(last, intervalMs, screen));
  const screen = new FullScreen(process.stdout, draw);

  function screenLines({ at, board, away }: Look, every: number, { width, height }: FullScreen): string[] {
    const now = Date.now();
    const banner = away.map((one) => paint.red(awayLine(one, now)));
    const foot = paint.dim(`${formatTime(at)}, every ${every / 1_000} s, Ctrl-C ends`);
    const lines = board ? boardScreen(board, paint, { width, height: height - banner.length - 1 }) : [];
    return [...banner, ...lines, foot];
  }

  return {
    get jobs() {
      return screen.height;
    },
    show(look) {
      last = look;
      draw();
    },
    end: () => screen.close(),
  };
}

const awayLine = ({ what, since, reason }: Away, now: number) =>
  `${NAMES[what]} has not answered for ${formatWholeSeconds(now - since.getTime())}, trying again: ${reason}`;

/** A log: the whole board whenever it has changed, and who is away. */
export function plainDisplay(): Display {
  const paint = paintFor(process.stdout);
  const changed = onChange();
  const absences = awayChanges();
  return {
    jobs: undefined,
    show(look) {
      for (const { what, reason } of absences(look)) {
        tell(reason === undefined ? `${NAMES[what]} answers again` : `${NAMES[what]} does not answer: ${reason}`);
      }
      if (!look.board) return;
      const text = boardScreen(look.board, paint).join('\n');
      if (changed(text)) print(`${formatTime(look.at)} ${text}\n`);
    },
    end: () => undefined,
  };
}

/** An object a line, for programs. */
export function jsonDisplay(): Display {
  const changed = onChange();
  const absences = awayChanges();
  return {
    jobs: undefined,
    show({ at, board, away }) {
      for (const { what, reason } of absences({ away })) {
        printLineAs(
          BoardLine,
          reason === undefined ? { event: 'back', at, what } : { event: 'away', at, what, reason },
        );
      }
      if (board && changed(JSON.stringify(board)))
        printLineAs(BoardLine, { event: 'board', at, board: boardJson(board) });
    },
    end: () => undefined,
  };
}

function onChange(): (text: string) => boolean {
  let last: string | undefined;
  return (text) => {
    if (text === last) return false;
    last = text;
    return true;
  };
}

/** What has gone away since the last look, with its reason, and what is back, without. */
export function awayChanges(): (look: Pick<Look, 'away'>) => { what: Part; reason?: string }[] {
  let before: readonly Part[] = [];
  return ({ away }) => {
    const gone = away.filter(({ what }) => !before.includes(what)).map(({ what, reason }) => ({ what, reason }));
    const back = before.filter((what) => !away.some((one) => one.what === what)).map((what) => ({ what }));
    before = away.map(({ what }) => what);
    return [...gone, ...back];
  };
}
