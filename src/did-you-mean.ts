/**
 * The known word that was probably meant: the nearest one, if it is near enough to be a slip of the fingers.
 * @example didYouMean('deadlne', ['deadline', 'wait']) // 'deadline'
 */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    // One letter in place of another is not near.
    const near = distance <= limit && distance < Math.max(word.length, candidate.length);
    if (near && distance < (best?.distance ?? Infinity)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** `unknown <what> …, did you mean …?`, or the words there are when none is near. */
export function unknownWord(what: string, shown: string, word: string, known: readonly string[]): string {
  const meant = didYouMean(word, known);
  if (meant !== undefined) return `unknown ${what} ${shown}, did you mean \`${meant}\`?`;
  const words = known.map((name) => `\`${name}\``).join(', ');
  return `unknown ${what} ${shown}; ${words === '' ? 'there is none' : `known: ${words}`}`;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
