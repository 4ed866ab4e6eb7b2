/**
 * Draws what a terminal showed over time as one animated SVG, without scripts, for light and dark pages.
 *
 * @module
 */

/** What a terminal showed from `at` on: lines of text with SGR escapes, as `tmux capture-pane -e -p` prints them. */
export interface Frame {
  /** Milliseconds from the start. */
  at: number;
  lines: readonly string[];
}

/** How the picture is laid out. */
export interface SvgOptions {
  columns: number;
  rows: number;
  /** What it shows, for those who cannot see it. */
  title: string;
  /** How long it lasts, in milliseconds; then it starts again. */
  duration: number;
}

/** Text in one style. */
interface Span {
  /** The column of its first character. */
  column: number;
  text: string;
  /** Names of classes of the style sheet. */
  classes: readonly string[];
  /** A colour of its own, beside the sixteen. */
  color?: string;
}

/** A line while it stays the same. */
interface Stay {
  row: number;
  spans: readonly Span[];
  from: number;
  to: number;
}

const CHARACTER_WIDTH = 8.4;
const LINE_HEIGHT = 19;
const FONT_SIZE = 14;
const MARGIN = 16;

/** The sixteen colours, for a light page and for a dark one. */
const LIGHT =
  "24292f cf222e 116329 7d4e00 0550ae 8250df 1b7c83 57606a 57606a a40e26 1a7f37 633c01 0969da 6639ba 3192aa 24292f";
const DARK =
  "484f58 ff7b72 3fb950 d29922 58a6ff bc8cff 39c5cf b1bac4 8b949e ffa198 56d364 e3b341 79c0ff d2a8ff 56d4dd f0f6fc";

/** Draws frames, which must be in the order of their times. */
export function drawTerminal(frames: readonly Frame[], options: SvgOptions): string {
  const { columns, rows, title, duration } = options;
  const width = Math.ceil(columns * CHARACTER_WIDTH + 2 * MARGIN);
  const height = Math.ceil(rows * LINE_HEIGHT + 2 * MARGIN);
  const stays = findStays(frames, rows, duration);
  const spells = new Map<string, string>();
  const drawn = stays.map((stay) => drawStay(stay, duration, spells));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${styleSheet(duration, spells)}</style>`,
    `<rect class="page" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...drawn,
    "</svg>\n",
  ].join("\n");
}

/** Finds out for each row how long it shows what. */
function findStays(frames: readonly Frame[], rows: number, duration: number): Stay[] {
  const stays: Stay[] = [];
  for (let row = 0; row < rows; row++) {
    let line = "";
    let from = 0;
    const close = (to: number) => {
      const spans = parseLine(line);
      if (spans.length > 0 && to > from) stays.push({ row, spans, from, to });
    };
    for (const frame of frames) {
      const next = frame.lines[row] ?? "";
      if (next === line) continue;
      close(frame.at);
      line = next;
      from = frame.at;
    }
    close(duration);
  }
  return stays;
}

function drawStay({ row, spans, from, to }: Stay, duration: number, spells: Map<string, string>): string {
  const y = MARGIN + (row + 0.75) * LINE_HEIGHT;
  const texts = spans.map((span) => drawSpan(span, y)).join("");
  const classes = [...(to >= duration ? ["last"] : []), ...spellClass(from, to, duration, spells)];
  return classes.length === 0 ? texts : `<g class="${classes.join(" ")}">${texts}</g>`;
}

/** The class that shows something from a time to another only; none for what is there all the time. */
function spellClass(from: number, to: number, duration: number, spells: Map<string, string>): string[] {
  if (from <= 0 && to >= duration) return [];
  const percent = (time: number) => `${Number((100 * time / duration).toFixed(2))}%`;
  const hidden = "{visibility:hidden}";
  const steps = [
    ...(from > 0 ? [`0%${hidden}`] : []),
    `${percent(from)}{visibility:visible}`,
    ...(to < duration ? [`${percent(to)},100%${hidden}`] : []),
  ].join("");
  const name = spells.get(steps) ?? `t${spells.size}`;
  spells.set(steps, name);
  return ["t", name];
}

function drawSpan({ column, text, classes, color }: Span, y: number): string {
  const x = round(MARGIN + column * CHARACTER_WIDTH);
  // The length keeps columns apart as the terminal did, whatever font the page has.
  const length = round([...text].length * CHARACTER_WIDTH);
  const style = `${classes.length > 0 ? ` class="${classes.join(" ")}"` : ""}${color ? ` fill="${color}"` : ""}`;
  return `<text x="${x}" y="${round(y)}" textLength="${length}"${style}>${escapeXml(text)}</text>`;
}

function styleSheet(duration: number, spells: ReadonlyMap<string, string>): string {
  const colors = (list: string) => list.split(" ").map((color, index) => `.c${index}{fill:#${color}}`).join("");
  return [
    `text{font:${FONT_SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#24292f;white-space:pre}`,
    ".page{fill:#f6f8fa;stroke:#d0d7de}.b{font-weight:700}.d{opacity:.65}.i{font-style:italic}.u{text-decoration:underline}",
    colors(LIGHT),
    `@media(prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117;stroke:#30363d}${colors(DARK)}}`,
    `.t{animation:${round(duration / 1000)}s step-end infinite;visibility:hidden}.last{visibility:visible}`,
    ...[...spells].map(([steps, name]) => `.${name}{animation-name:${name}}@keyframes ${name}{${steps}}`),
    // Who does not want movement sees the end.
    "@media(prefers-reduced-motion:reduce){.t{animation:none}}",
  ].join("\n");
}

/** What SGR codes have set. */
interface Style {
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  /** 0 to 15, or a colour as `#rrggbb`. */
  foreground?: number | string;
}

const PLAIN: Style = { bold: false, dim: false, italic: false, underline: false };

/** An SGR sequence, another sequence or control character, or text. */
// deno-lint-ignore no-control-regex
const PIECES = /\x1b\[([\d;:]*)m|(\x1b(?:\[[\d;?:]*[A-Za-z]|.)|[\x00-\x1f\x7f])|([^\x00-\x1f\x7f]+)/g;

/** Parts a line into spans of one style; every other escape sequence and control character is left out. */
export function parseLine(line: string): Span[] {
  const spans: Span[] = [];
  let style = PLAIN;
  let column = 0;
  for (const [, codes, , text] of line.matchAll(PIECES)) {
    if (codes !== undefined) style = applyCodes(style, codes);
    if (text === undefined) continue;
    spans.push(...splitAtGaps(text, column).map((part) => ({ ...part, ...look(style) })));
    column += [...text].length;
  }
  return spans;
}

/** Leaves out gaps: they need no drawing, and not every program that shows SVG keeps more than one blank. */
function splitAtGaps(text: string, column: number): { column: number; text: string }[] {
  return Array.from(
    text.matchAll(/\S+(?: \S+)*/g),
    ({ 0: part, index }) => ({ column: column + [...text.slice(0, index)].length, text: part }),
  );
}

function look({ bold, dim, italic, underline, foreground }: Style): Pick<Span, "classes" | "color"> {
  const classes = [bold && "b", dim && "d", italic && "i", underline && "u"].filter((name) => name !== false);
  if (typeof foreground === "number") classes.push(`c${foreground}`);
  return typeof foreground === "string" ? { classes, color: foreground } : { classes };
}

function applyCodes(style: Style, text: string): Style {
  const codes = text.split(/[;:]/).map(Number);
  let next = { ...style };
  while (codes.length > 0) {
    const code = codes.shift()!;
    if (code === 0) next = { ...PLAIN };
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 23) next.italic = false;
    else if (code === 24) next.underline = false;
    else if (code >= 30 && code <= 37) next.foreground = code - 30;
    else if (code === 38) next.foreground = extendedColor(codes) ?? next.foreground;
    else if (code === 39) delete next.foreground;
    else if (code >= 90 && code <= 97) next.foreground = code - 82;
    else if (code === 48) extendedColor(codes);
  }
  return next;
}

/** Takes the rest of `38;5;N` or `38;2;R;G;B`. */
function extendedColor(codes: number[]): number | string | undefined {
  const kind = codes.shift();
  if (kind === 2) return hexColor(codes.splice(0, 3));
  if (kind !== 5) return undefined;
  const index = codes.shift() ?? 0;
  if (index < 16) return index;
  if (index >= 232) return hexColor(Array(3).fill(8 + 10 * (index - 232)));
  const level = (step: number) => step === 0 ? 0 : 55 + 40 * step;
  const cube = index - 16;
  return hexColor([Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level));
}

function hexColor(parts: readonly number[]): string {
  return `#${parts.map((part) => (part & 255).toString(16).padStart(2, "0")).join("")}`;
}

function round(value: number): number {
  return Number(value.toFixed(2));
}

/** What XML 1.0 forbids: control characters, halves of surrogate pairs, and two that are no characters. */
const FORBIDDEN =
  // deno-lint-ignore no-control-regex
  /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text as XML has it; what XML forbids is left out. */
export function escapeXml(text: string): string {
  return text.replace(FORBIDDEN, "")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}
