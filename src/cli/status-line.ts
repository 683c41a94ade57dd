import cliTruncate from 'cli-truncate';
import { createLogUpdate } from 'log-update';
import { isLive, tell } from './terminal.ts';

/** What can be told while something goes on: lines that stay, and below them what is going on at this moment. */
export interface StatusLine {
  /** A line that stays. */
  tell(line: string): void;
  /** What is going on; asked again whenever it is shown, so that it can count seconds. */
  show(text: () => string): void;
  /** Nothing is going on that is ours to show. The screen belongs to somebody else until the next `show`. */
  hide(): void;
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** Ten frames a second are seen as one movement. */
const FRAME_EVERY = 100;

/** In a log, what goes on without news is said after this long, and then after twice as long, milliseconds. */
const STILL_AFTER = 30_000;

/**
 * On a terminal a line with a spinner, below everything that is told and redrawn in place; in a log plain lines, with a
 * word now and then when nothing happens for long.
 */
export function statusLine(stream: NodeJS.WriteStream = process.stderr): StatusLine {
  return isLive(stream) ? new RedrawnLine(stream) : new PlainLines();
}

class RedrawnLine implements StatusLine {
  readonly #stream: NodeJS.WriteStream;
  readonly #render: ReturnType<typeof createLogUpdate>;
  #text: (() => string) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#render = createLogUpdate(stream);
    process.once('exit', () => this.hide());
  }

  tell(line: string): void {
    if (this.#text) this.#render.clear();
    tell(line);
    this.#draw();
  }

  show(text: () => string): void {
    this.#text = text;
    this.#timer ??= setInterval(() => this.#next(), FRAME_EVERY).unref();
    this.#draw();
  }

  hide(): void {
    if (!this.#text) return;
    this.#text = undefined;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#render.clear();
    this.#render.done();
  }

  #next(): void {
    this.#frame = (this.#frame + 1) % FRAMES.length;
    this.#draw();
  }

  #draw(): void {
    if (!this.#text) return;
    const line = `${FRAMES[this.#frame]} ${this.#text().replace(/\s+/g, ' ')}`;
    this.#render(cliTruncate(line, Math.max(1, (this.#stream.columns || 80) - 1)));
  }
}

class PlainLines implements StatusLine {
  #text: (() => string) | undefined;
  #timer: NodeJS.Timeout | undefined;

  tell(line: string): void {
    tell(line);
    this.#sayAfter(STILL_AFTER);
  }

  show(text: () => string): void {
    this.#text = text;
    if (!this.#timer) this.#sayAfter(STILL_AFTER);
  }

  hide(): void {
    this.#text = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #sayAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.#text) return;
      tell(`still ${this.#text()}`);
      this.#sayAfter(2 * ms);
    }, ms).unref();
  }
}
