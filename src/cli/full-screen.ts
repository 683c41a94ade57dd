import ansi from 'ansi-escapes';
import cliTruncate from 'cli-truncate';

/**
 * The whole terminal, as long as it is ours: its own screen, so that what was there before is there again afterwards,
 * however the process ends (but for SIGKILL).
 */
export class FullScreen {
  readonly #stream: NodeJS.WriteStream;
  readonly #redraw: () => void;
  readonly #leave = () => this.#put(ansi.exitAlternativeScreen + ansi.cursorShow);
  readonly #resized = () => {
    this.#put(ansi.clearViewport);
    this.#redraw();
  };
  readonly #suspended = () => {
    this.#leave();
    // This time for real: nobody listens any more.
    process.off('SIGTSTP', this.#suspended);
    process.kill(process.pid, 'SIGTSTP');
  };
  readonly #resumed = () => {
    process.on('SIGTSTP', this.#suspended);
    this.#enter();
    this.#redraw();
  };

  /** `redraw` is called when the terminal has another size, or is ours again. */
  constructor(stream: NodeJS.WriteStream, redraw: () => void) {
    this.#stream = stream;
    this.#redraw = redraw;
    process.once('exit', this.#leave);
    process.on('SIGTSTP', this.#suspended);
    process.on('SIGCONT', this.#resumed);
    stream.on('resize', this.#resized);
    this.#enter();
  }

  /** The last column stays free: a terminal may wrap a line that fills it. */
  get width(): number {
    return (this.#stream.columns || 80) - 1;
  }

  get height(): number {
    return this.#stream.rows || 24;
  }

  /** In one piece and over what is there, so that nothing flickers. */
  draw(lines: readonly string[]): void {
    const fitting = lines.slice(0, this.height).map((line) => cliTruncate(line, this.width) + ansi.eraseEndLine);
    this.#put(ansi.synchronizedOutput(ansi.cursorTo(0, 0) + fitting.join('\r\n') + ansi.eraseDown));
  }

  close(): void {
    process.off('exit', this.#leave);
    process.off('SIGTSTP', this.#suspended);
    process.off('SIGCONT', this.#resumed);
    this.#stream.off('resize', this.#resized);
    this.#leave();
  }

  #enter(): void {
    this.#put(ansi.enterAlternativeScreen + ansi.cursorHide + ansi.clearViewport);
  }

  #put(text: string): void {
    this.#stream.write(text);
  }
}
