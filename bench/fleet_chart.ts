/** Draws horizontal bars as SVG. @module */

/** One bar. */
export interface Bar {
  label: string;
  value: number;
  /** What stands behind it. */
  shown: string;
}

/** Bars that are compared with each other. */
export interface BarGroup {
  title: string;
  bars: readonly Bar[];
}

const WIDTH = 720;
const LABELS = 190;
const SHOWN = 80;
const ROW = 26;
const TITLE = 34;
const MARGIN = 12;

/** Draws groups one below the other, each on a scale of its own. */
export function drawBars(groups: readonly BarGroup[]): string {
  let y = MARGIN;
  const parts = groups.flatMap(({ title, bars }) => {
    const most = Math.max(...bars.map(({ value }) => value), 1);
    const top = y;
    y += TITLE + bars.length * ROW + MARGIN;
    return [
      `<text x="${MARGIN}" y="${top + 18}" font-weight="bold">${escaped(title)}</text>`,
      ...bars.map((bar, index) => drawBar(bar, top + TITLE + index * ROW, most)),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" ` +
    `font-family="sans-serif" font-size="14">`,
    `<rect width="${WIDTH}" height="${y}" fill="#ffffff"/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function drawBar({ label, value, shown }: Bar, y: number, most: number): string {
  const width = Math.round((WIDTH - LABELS - SHOWN - 2 * MARGIN) * value / most);
  const x = MARGIN + LABELS;
  return `<text x="${MARGIN}" y="${y + 15}">${escaped(label)}</text>` +
    `<rect x="${x}" y="${y}" width="${width}" height="20" fill="#4477aa"/>` +
    `<text x="${x + width + 6}" y="${y + 15}">${escaped(shown)}</text>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
