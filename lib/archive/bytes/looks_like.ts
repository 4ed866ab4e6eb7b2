import { GZIP, startsWith, ZSTD } from "./magic.ts";

/** What people take for archives of images, by its first bytes. */
const KINDS: readonly { magic: readonly number[]; text: string }[] = [
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], text: "it is compressed with xz, which is not read" },
  { magic: [0x42, 0x5a, 0x68], text: "it is compressed with bzip2, which is not read" },
  { magic: [0x50, 0x4b, 0x03, 0x04], text: "it is a zip" },
  { magic: GZIP, text: "it is compressed with gzip once more" },
  { magic: ZSTD, text: "it is compressed with zstd once more" },
];

const TEXT = /^[\t\n\r\x20-\x7e]*$/;

/** What something that is no tar seems to be, by its start, as the end of a sentence. */
export function looksLike(start: Uint8Array): string {
  if (start.length === 0) return "it is empty";
  const known = KINDS.find(({ magic }) => startsWith(start, magic));
  if (known) return known.text;
  if (TEXT.test(String.fromCharCode(...start))) return "it is text";
  return "it does not begin with the header of a tar";
}
