import { ApiError } from "./api_error.ts";

/** Where a chunk belongs, and how long it is, as far as its headers say. */
export interface ChunkPlace {
  /** In bytes from the beginning of the blob; `undefined` is where the last one ended. */
  start?: number;
  /** In bytes. */
  length?: number;
}

/** `<start>-<end>`, both inclusive (distribution-spec 1.1, "Pushing a blob in chunks"); some put HTTP's unit before it. */
const CONTENT_RANGE = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d{1,16}|\*))?$/;

/**
 * What the headers of a request say of the chunk in its body.
 *
 * @throws {ApiError} `BLOB_UPLOAD_INVALID` if a range is not written as one, `SIZE_INVALID` if range and length do not agree
 */
export function chunkPlace(headers: Headers): ChunkPlace {
  const length = lengthOf(headers);
  const range = headers.get("Content-Range");
  if (range === null) return length === undefined ? {} : { length };
  const [, first, last] = CONTENT_RANGE.exec(range) ?? [];
  const [start, end] = [Number(first), Number(last)];
  if (first === undefined || end < start) {
    throw new ApiError("BLOB_UPLOAD_INVALID", "Content-Range is not of the form <first byte>-<last byte>");
  }
  if (length !== undefined && length !== end - start + 1) {
    throw new ApiError("SIZE_INVALID", "Content-Range and Content-Length do not agree", {
      detail: { range: `${start}-${end}`, length },
    });
  }
  return { start, length: end - start + 1 };
}

/** The length of a body that its headers announce, in bytes. */
export function lengthOf(headers: Headers): number | undefined {
  const text = headers.get("Content-Length");
  return text !== null && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

/** `Range` of an upload: what has come of it. Of nothing there is no range, and `0-0` is what everybody says. */
export function rangeOf(size: number): string {
  return `0-${Math.max(size - 1, 0)}`;
}
