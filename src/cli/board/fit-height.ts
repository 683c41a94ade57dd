/** A titled part of a screen; its first line may be a table's head. */
export interface Part {
  readonly title: string;
  readonly lines: readonly string[];
}

/** Blank line and title of a part. */
const AROUND = 2;
/** What is left of a part at least: its head, a row, and how many more there are. */
const LEAST = 3;

/** Cuts the longest parts until all of them fit, and says how much of each is not shown. Pure. */
export function fitHeight(parts: readonly Part[], height: number | undefined): Part[] {
  if (height === undefined) return [...parts];
  const lengths = parts.map((part) => part.lines.length);
  const total = () => lengths.reduce((sum, length) => sum + length + AROUND, 0);
  while (total() > height) {
    const longest = Math.max(...lengths);
    if (longest <= LEAST) break;
    lengths[lengths.indexOf(longest)]! -= 1;
  }
  return parts.map((part, i) => cut(part, lengths[i]!));
}

function cut({ title, lines }: Part, length: number): Part {
  if (lines.length <= length) return { title, lines };
  const kept = lines.slice(0, length - 1);
  return { title, lines: [...kept, `… ${lines.length - kept.length} more`] };
}
