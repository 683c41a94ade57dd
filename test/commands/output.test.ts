import { describe, expect, it } from 'vitest';
import { LineSplitter, OutputTail } from '../../src/commands/output.ts';

function split(chunks: (string | Buffer)[], longest?: number): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line), longest);
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return lines;
}

describe('LineSplitter', () => {
  it('cuts at line ends wherever the chunks were cut', () => {
    expect(split(['one\ntw', 'o\r', '\n\nthree'])).toEqual(['one', 'two', '', 'three']);
    expect(split(['one\n'])).toEqual(['one']);
  });

  it('puts characters together that came in two chunks', () => {
    const bytes = Buffer.from('grün €');
    expect(split([bytes.subarray(0, 3), bytes.subarray(3, 7), bytes.subarray(7)])).toEqual(['grün €']);
  });

  it('hands on a line of just the longest length in one piece', () => {
    expect(split(['12345678\n', '1234', '5678\nx'], 8)).toEqual(['12345678', '12345678', 'x']);
  });

  it('cuts a longer one between characters', () => {
    expect(split(['€€€€€'], 8)).toEqual(['€€', '€€', '€']);
    expect(split([Buffer.alloc(20, 0x80)], 8).map((piece) => piece.length)).toEqual([8, 8, 4]);
  });

  it('100 MB without a newline pass in pieces of 64 KiB and need no more memory than that', () => {
    let bytes = 0;
    let longest = 0;
    const splitter = new LineSplitter((line) => {
      bytes += line.length;
      longest = Math.max(longest, line.length);
    });
    const chunk = Buffer.alloc(1_000_000, 'x');
    const before = process.memoryUsage().arrayBuffers;
    for (let n = 0; n < 100; n += 1) splitter.push(chunk);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
    splitter.end();
    expect([bytes, longest]).toEqual([100_000_000, 64 * 1024]);
  });
});

describe('OutputTail', () => {
  it('keeps all of a short output', () => {
    const tail = new OutputTail(1);
    tail.push(Buffer.from('one\n'));
    tail.push(Buffer.from('two\n'));
    expect(tail.text()).toBe('one\ntwo\n');
  });

  it('keeps the last lines of a long one, whole', () => {
    const tail = new OutputTail(1);
    for (let n = 0; n < 10_000; n += 1) tail.push(Buffer.from(`line ${n}\n`));
    const lines = tail.text().split('\n');
    expect([lines[0], lines.at(-2), lines.length > 90]).toEqual(['…', 'line 9999', true]);
    expect(lines[1]).toMatch(/^line \d{4}$/);
  });

  it('keeps the end of a chunk larger than itself, and begins with a whole character', () => {
    const tail = new OutputTail(1);
    tail.push(Buffer.from('before'));
    tail.push(Buffer.from('€'.repeat(1_000)));
    expect(tail.text()).toBe(`…${'€'.repeat(341)}`);
  });
});
