const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/**
 * A number of bytes in decimal units, with three digits that say something: `512 B`, `1.5 kB`, `181 kB`, `1.07 GB`.
 *
 * @param bytes not negative
 */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 and up would round to a four-digit 1000.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : Number(value.toPrecision(3))} ${UNITS[unit]}`;
}
