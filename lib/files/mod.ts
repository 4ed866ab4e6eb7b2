/**
 * Regular files, read and written with care: no link is followed, nothing hangs at a FIFO, what replaces a file is whole.
 * It must not know what is in them, nor of stores and archives.
 *
 * @module
 */
export * from "./aside.ts";
export * from "./chunk_memory.ts";
export * from "./chunks.ts";
export * from "./files.ts";
export * from "./shared_sync.ts";
export * from "./sync_along.ts";
