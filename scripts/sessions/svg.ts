import type { Run, Screen } from './screens.ts';

/** One terminal's window. */
export interface Pane {
  readonly title: string;
  readonly rows: number;
  readonly screens: readonly Screen[];
}

export interface Drawing {
  readonly title: string;
  /** What happens in it, for those who do not see it. */
  readonly description: string;
  readonly columns: number;
  readonly panes: readonly Pane[];
  /** Hides the panes until then, milliseconds. */
  readonly before?: Pane & { readonly until: number };
  /** Milliseconds until it begins anew; 0: it stands still. */
  readonly duration: number;
}

/** Pixels. 94 columns are as wide as a README on GitHub. */
const CELL = 8.43;
const LINE = 19;
const MARGIN = 18;
const BAR = 30;
const GAP = 12;

/** On a dark ground, each with a contrast of 4.5 and more. */
const COLOURS = ['8b949e', 'ff7b72', '56d364', 'e3b341', '79c0ff', 'd2a8ff', '56d4dd', 'e6edf3', '8b949e'];
const STYLE = [
  'text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#e6edf3;white-space:pre}',
  '.bar{fill:#9da7b3}.d{fill:#9da7b3}.b{font-weight:700}',
  ...[...COLOURS, ...COLOURS.slice(1, 8)].map((colour, i) => `.c${i}{fill:#${colour}}`),
];

/** A picture of terminals, one below the other; who asks for reduced motion sees how it ends. */
export function draw({ title, description, columns, panes, before, duration }: Drawing): string {
  const width = Math.round(columns * CELL + 2 * MARGIN);
  const styles = [...STYLE];
  const parts: string[] = [];
  const during = (from: number, to: number, content: string) => {
    if (from === 0 && to === duration) return void parts.push(content);
    const name = `k${styles.length}`;
    styles.push(keyframes(name, from / duration, to / duration));
    parts.push(`<g class="${to === duration ? 'a' : 'a h'}" style="animation-name:${name}">${content}</g>`);
  };
  const drawPane = (pane: Pane, top: number, height: number, until: number) => {
    during(0, until, frame(pane.title, top, width, height));
    for (let row = 0; row < pane.rows; row += 1) {
      const y = top + BAR + (row + 1) * LINE;
      for (const { runs, from, to } of spansOf(pane.screens, row, until)) during(from, to, text(runs, y));
    }
  };
  let top = 0;
  for (const pane of panes) {
    const height = BAR + pane.rows * LINE + MARGIN;
    drawPane(pane, top, height, duration);
    top += height + GAP;
  }
  if (before) drawPane(before, 0, top - GAP, before.until);
  if (duration > 0) styles.push(...motion(duration));
  const box = `width="${width}" height="${top - GAP}" viewBox="0 0 ${width} ${top - GAP}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${box} role="img" aria-labelledby="title desc">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="desc">${escaped(description)}</desc>`,
    `<style>${styles.join('\n')}</style>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

const motion = (duration: number) => [
  '.h{visibility:hidden}',
  `.a{animation:${(duration / 1000).toFixed(2)}s step-end infinite}`,
  '@media (prefers-reduced-motion:reduce){.a{animation:none}}',
];

function frame(title: string, y: number, width: number, height: number): string {
  const dots = ['ff5f57', 'febc2e', '28c840'].map(
    (colour, i) => `<circle cx="${20 + i * 18}" cy="${y + 17}" r="5.5" fill="#${colour}"/>`,
  );
  const box = `<rect y="${y + 0.5}" x="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="#0d1117" stroke="#30363d"/>`;
  return `${box}${dots.join('')}<text class="bar" x="${width / 2}" y="${y + 22}" text-anchor="middle">${escaped(title)}</text>`;
}

interface Span {
  readonly runs: readonly Run[];
  readonly from: number;
  readonly to: number;
}

/** What a row shows one after another, the empty line left out. */
function spansOf(screens: readonly Screen[], row: number, until: number): Span[] {
  const spans: { runs: readonly Run[]; from: number; to: number; key: string }[] = [];
  for (const { at, lines } of screens) {
    const runs = lines[row] ?? [];
    const key = JSON.stringify(runs);
    const last = spans.at(-1);
    if (last?.key === key) continue;
    if (last) last.to = at;
    spans.push({ runs, from: at, to: until, key });
  }
  return spans.filter(({ runs }) => runs.length > 0);
}

const percent = (share: number) => `${(share * 100).toFixed(2)}%`;

function keyframes(name: string, from: number, to: number): string {
  const before = from > 0 ? '0%{visibility:hidden}' : '';
  const after = to < 1 ? `${percent(to)},to{visibility:hidden}` : 'to{visibility:visible}';
  return `@keyframes ${name}{${before}${percent(from)}{visibility:visible}${after}}`;
}

/** Each piece as wide as its columns are, whatever font there is. */
function text(runs: readonly Run[], y: number): string {
  const spans = runs.map(({ column, width, text, look }) => {
    const place = `x="${(MARGIN + column * CELL).toFixed(1)}" y="${y}" textLength="${(width * CELL).toFixed(1)}"`;
    return `<text${look === '' ? '' : ` class="${look}"`} ${place}>${escaped(text)}</text>`;
  });
  return spans.join('');
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
