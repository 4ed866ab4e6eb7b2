import { formatRemaining } from "./age.ts";
import { formatBytes } from "./bytes.ts";
import { printable } from "../printable.ts";
import type { Transfer, Transfers } from "./transfers.ts";

/** How a frame may be drawn. */
export interface FrameOptions {
  /** Size of the terminal in characters. */
  columns: number;
  rows: number;
  /** Milliseconds, of the clock that {@link Transfers} was fed with. */
  now: number;
}

/** The widest and the narrowest bar, in characters. */
const MAX_BAR = 30;
const MIN_BAR = 5;

/** The widest that percentage, sizes, speed and time left become together, in characters. */
const NUMBERS_WIDTH = 40;

/** Lines of the terminal that stay free: the cursor's, and some of what stood there before. */
const FREE_ROWS = 4;

const GREEN = "\x1b[32m";
const DIM = "\x1b[2m";
const RESET = "\x1b[0m";

/**
 * Draws what moves at this moment: a line for each blob, the oldest first and no more than the terminal has room for,
 * then one for all of them unless that would say the same.
 *
 * @returns lines without line feeds, none wider than the terminal; none at all while nothing is known to move
 */
export function drawFrame(transfers: Transfers, options: FrameOptions): string[] {
  const total = transfers.total(options.now);
  if (total.size === 0) return [];
  const active = transfers.active();
  const shown = active.slice(0, Math.max(0, Math.min(active.length, options.rows - FREE_ROWS)));
  const isAll = active.length === 1 && active[0].size === total.size;
  return [...shown, ...(isAll ? [] : [total])].map((transfer) => drawLine(transfer, options));
}

function drawLine(transfer: Transfer, { columns, now }: FrameOptions): string {
  const rate = transfer.rate(now);
  const left = transfer.size - transfer.received;
  const texts = [
    `${formatBytes(transfer.received)}/${formatBytes(transfer.size)}`.padStart(15),
    rate > 0 ? `${formatBytes(rate)}/s`.padStart(9) : "",
    rate > 0 && left > 0 ? formatRemaining(left / rate * 1000) : "",
  ];
  const share = transfer.size === 0 ? 1 : Math.min(transfer.received / transfer.size, 1);
  const label = printable(transfer.label).padEnd(12);
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const numbers = `${percent}  ${texts.join("  ")}`.trimEnd();
  const room = Math.min(MAX_BAR, columns - 1 - label.length - 3 - NUMBERS_WIDTH);
  if (room < MIN_BAR) return wholeWords([label.trimEnd(), percent.trimStart(), ...texts], columns - 1);
  return `${label}  ${drawBar(share, room)} ${numbers}`;
}

function drawBar(share: number, width: number): string {
  const done = Math.floor(share * width);
  const full = "━".repeat(done);
  return `${GREEN}${full}${RESET}${DIM}${"━".repeat(width - done)}${RESET}`;
}

/** As many of the texts as there is room for, each of them whole: half a number is another number. */
function wholeWords(texts: readonly string[], width: number): string {
  let line = "";
  for (const text of texts.map((each) => each.trim()).filter((each) => each !== "")) {
    const longer = line === "" ? text : `${line}  ${text}`;
    if (longer.length > width) break;
    line = longer;
  }
  return line;
}
