import { concatBytes } from "../content/mod.ts";
import type { ArchiveFile, PassingFile } from "./files.ts";
import { BLOCK } from "./tar/header.ts";
import { TAR_END, tarPadding } from "./tar/write.ts";

/** An entry, honest or not. */
export interface TestEntry {
  path: string;
  /** Its bytes. Default: none. */
  content?: string | Uint8Array;
  /** Default: `0`, a regular file. */
  type?: string;
  /** Where a link leads to. */
  target?: string;
  /** The twelve bytes of its size, instead of the true ones. */
  size?: string | Uint8Array;
  /** `undefined` is no magic at all. Default: ustar's. */
  magic?: string | undefined;
  prefix?: string;
}

/** A tar of these entries, with its end. */
export function tarOf(entries: readonly TestEntry[]): Uint8Array {
  return concatBytes([...entries.map(entryBytes), TAR_END]);
}

/** An entry with its header and what fills its last block. */
export function entryBytes(entry: TestEntry): Uint8Array {
  const content = bytesIn(entry.content ?? "");
  return concatBytes([headerBytes(entry, content.length), content, tarPadding(content.length)]);
}

/** An extended header, with these records. */
export function paxEntry(records: Record<string, string>, type: "x" | "g" = "x"): TestEntry {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = bytesIn(` ${key}=${value}\n`).length;
    const digits = String(rest + String(rest + 2).length).length;
    return `${rest + digits} ${key}=${value}\n`;
  });
  return { path: "PaxHeaders/x", type, content: lines.join("") };
}

/** GNU's extended header for a long name or, `K`, the target of a link. */
export function longNameEntry(name: string, type: "L" | "K" = "L"): TestEntry {
  return { path: "././@LongLink", type, content: `${name}\0` };
}

function headerBytes(entry: TestEntry, length: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (value: string | Uint8Array, at: number) => block.set(bytesIn(value), at);
  put(bytesIn(entry.path).subarray(0, 100), 0);
  put("0000644\x000000000\x000000000\0", 100);
  put(entry.size ?? `${length.toString(8).padStart(11, "0")}\0`, 124);
  put("00000000000\0        ", 136);
  put(entry.type ?? "0", 156);
  put(bytesIn(entry.target ?? "").subarray(0, 100), 157);
  put("magic" in entry ? entry.magic ?? "" : "ustar\x0000", 257);
  put(entry.prefix ?? "", 345);
  setChecksum(block, 0);
  return block;
}

/** Makes the sum of the header at a position that which it should be. */
export function setChecksum(tar: Uint8Array, at: number): void {
  const block = tar.subarray(at, at + BLOCK);
  block.set(bytesIn("        "), 148);
  block.set(bytesIn(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `), 148);
}

function bytesIn(value: string | Uint8Array): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : value;
}

/** The text of a file. */
export async function textOf(file: ArchiveFile | PassingFile | undefined): Promise<string> {
  if (!file) throw new Error("there is no such file");
  const chunks: Uint8Array[] = [];
  for await (const chunk of "read" in file ? file.read() : file.open()) chunks.push(chunk.slice());
  return new TextDecoder().decode(concatBytes(chunks));
}

/** Bytes as a stream, in chunks of a length that fits nothing. */
export async function* inChunks(bytes: Uint8Array, length = 777): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length);
}
