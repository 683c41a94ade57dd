const NEWLINE = 0x0a;

/** Longest line handed on in one piece, bytes: what any log takes, and what a command without newlines may cost. */
export const LONGEST_LINE = 64 * 1024;

/**
 * Cuts a stream of chunks into lines of text, in bounded memory: a longer line comes in pieces of at most `longest` bytes, never
 * cut inside a UTF-8 character. Line ends (`\n`, `\r\n`) are not part of the line.
 *
 * @example
 * const lines = new LineSplitter((line) => log.info(line));
 * await runGuarded({ argv, killAfterMs, stdout: (chunk) => lines.push(chunk) });
 * lines.end();
 */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  /** The line begun, filled up to `#length`. */
  readonly #begun: Buffer;
  #length = 0;

  constructor(onLine: (line: string) => void, longest: number = LONGEST_LINE) {
    this.#onLine = onLine;
    this.#begun = Buffer.alloc(longest);
  }

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const room = this.#begun.length - this.#length;
      if (room === 0 && chunk[at] !== NEWLINE) {
        this.#handOn(wholeCharacters(this.#begun));
        continue;
      }
      // Only as far as the line may still grow: a huge chunk without newlines is searched once, not once a piece.
      const newline = chunk.subarray(at, at + room + 1).indexOf(NEWLINE);
      const copied = chunk.copy(this.#begun, this.#length, at, at + (newline === -1 ? room : newline));
      this.#length += copied;
      at += copied;
      if (newline === -1) continue;
      this.#handOn(this.#length);
      at += 1;
    }
  }

  /** Hands on the last line when it did not end with a newline. */
  end(): void {
    if (this.#length > 0) this.#handOn(this.#length);
  }

  #handOn(bytes: number): void {
    const line = this.#begun.toString('utf8', 0, bytes);
    this.#begun.copyWithin(0, bytes, this.#length);
    this.#length -= bytes;
    this.#onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
  }
}

/**
 * Keeps the last `kib` KiB of a command's output, for the message of its failure.
 *
 * @example
 * const tail = new OutputTail(8);
 * tail.push(chunk);
 * throw new LockkeeperError('STEP_FAILED', `./deploy.sh ended with code 1: ${tail.text()}`);
 */
export class OutputTail {
  readonly #ring: Buffer;
  #written = 0;

  constructor(kib: number) {
    this.#ring = Buffer.alloc(kib * 1024);
  }

  push(chunk: Buffer): void {
    const size = this.#ring.length;
    // Of a chunk larger than the ring only its end can remain.
    const skipped = Math.max(0, chunk.length - size);
    this.#written += skipped;
    for (let at = skipped; at < chunk.length;) {
      const copied = chunk.copy(this.#ring, this.#written % size, at);
      at += copied;
      this.#written += copied;
    }
  }

  /** The text kept. When something before it was dropped it begins with `…`, at a line where one begins in it. */
  text(): string {
    const size = this.#ring.length;
    if (this.#written <= size) return this.#ring.toString('utf8', 0, this.#written);
    const split = this.#written % size;
    const kept = Buffer.concat([this.#ring.subarray(split), this.#ring.subarray(0, split)]);
    const newline = kept.indexOf(NEWLINE);
    if (newline !== -1 && newline < size - 1) return `…\n${kept.toString('utf8', newline + 1)}`;
    let start = 0;
    while (isContinuation(kept[start])) start += 1;
    return `…${kept.toString('utf8', start)}`;
  }
}

/** How many bytes of `bytes` are whole characters; all of them when the end is no UTF-8 at all. */
function wholeCharacters(bytes: Buffer): number {
  let lead = bytes.length - 1;
  while (lead > 0 && isContinuation(bytes[lead])) lead -= 1;
  const first = bytes[lead] ?? 0;
  const needed = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  const isCut = lead > 0 && needed > bytes.length - lead;
  return isCut ? lead : bytes.length;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
