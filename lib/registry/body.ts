import { hasCode, SatchelError } from "../error.ts";
import { type Digest, tooLarge } from "../oci/mod.ts";
import { printable } from "../printable.ts";
import type { Exchange } from "./exchange.ts";

/** The most that is read only to use the connection again, in bytes. */
const MAX_DISCARDED = 64 * 1024;

/** The response's media type, lower case, without parameters. */
export function contentType({ response }: Exchange): string {
  return (response.headers.get("content-type") ?? "").split(";", 1)[0].trim().toLowerCase();
}

/**
 * Refuses a body that was compressed on its way: its length would be unknown and a small one could fill the memory.
 *
 * @throws {SatchelError} `registry`
 */
export function refuseEncoding({ response, url }: Exchange, what: string): void {
  const encoding = response.headers.get("content-encoding");
  if (encoding === null || encoding.toLowerCase() === "identity") return;
  throw new SatchelError(
    "registry",
    `${url.host} sent ${what} with Content-Encoding ${printable(encoding, 40)}, unasked`,
  );
}

/**
 * Reads a body into memory.
 *
 * @param limit the most that it may be, in bytes
 * @param what what it is, for the error text
 * @throws {SatchelError} `invalid` for more than `limit`, before they are in memory; `registry` if it is compressed
 */
export async function readBody(sent: Exchange, limit: number, what: string): Promise<Uint8Array> {
  refuseEncoding(sent, what);
  const bytes = await sent.read(limit);
  if (bytes) return bytes;
  const announced = Number(sent.response.headers.get("content-length"));
  throw tooLarge(what, announced > limit ? announced : limit + 1, limit);
}

/** Reads a body that may be of use, and ends the exchange. `undefined` if it is longer than `limit` bytes, compressed or broken. */
export async function readLast(exchange: Exchange, limit: number): Promise<Uint8Array | undefined> {
  try {
    const body = await exchange.read(limit);
    return exchange.response.headers.has("content-encoding") ? undefined : body;
  } catch (error) {
    if (hasCode(error, "cancelled")) throw error;
    return undefined;
  } finally {
    exchange[Symbol.dispose]();
  }
}

/** Reads a body that nobody needs, if it is short, so that its connection can be used again. */
export async function discard(exchange: Exchange): Promise<void> {
  await readLast(exchange, MAX_DISCARDED);
}

/**
 * Checks the digest under which a registry says that it stored something (`Docker-Content-Digest`). One of another algorithm
 * proves nothing, and is no contradiction either.
 *
 * @throws {SatchelError} `integrity`
 */
export function checkStoredDigest({ response, url }: Exchange, digest: Digest): void {
  const stored = response.headers.get("docker-content-digest");
  if (stored === null || stored === digest) return;
  if (stored.split(":", 1)[0] !== digest.split(":", 1)[0]) return;
  throw new SatchelError("integrity", `${url.host} stored ${digest} as ${printable(stored, 160)}`);
}
