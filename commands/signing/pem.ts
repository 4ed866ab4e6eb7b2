/** A part of a text between its two lines (RFC 7468), with them. */
export interface PemBlock {
  /** `PUBLIC KEY`, `CERTIFICATE`. */
  label: string;
  text: string;
}

const BEGIN = /-----BEGIN ([A-Z0-9 ]{1,64})-----/g;

/** All PEM blocks of a text, in their order; what stands between them is passed over. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  BEGIN.lastIndex = 0;
  for (let begin = BEGIN.exec(text); begin; begin = BEGIN.exec(text)) {
    const end = `-----END ${begin[1]}-----`;
    const at = text.indexOf(end, begin.index);
    // What is cut off is no block, and nothing behind it is one that can be told from its inside.
    if (at < 0) break;
    BEGIN.lastIndex = at + end.length;
    blocks.push({ label: begin[1], text: `${text.slice(begin.index, at + end.length)}\n` });
  }
  return blocks;
}
