/** How what gzip compressed begins (RFC 1952, 2.3.1). */
export const GZIP: readonly number[] = [0x1f, 0x8b];

/** How a frame of zstd begins (RFC 8878, 3.1.1). */
export const ZSTD: readonly number[] = [0x28, 0xb5, 0x2f, 0xfd];

/** Whether bytes begin so. */
export function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, at) => bytes[at] === byte);
}
