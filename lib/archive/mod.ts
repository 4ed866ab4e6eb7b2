/**
 * Archives: OCI image layouts and what `docker save` writes, in a tar, a compressed tar, volumes of one, or a folder; read
 * as a source to copy from, written from the plan of a copy. It must not know of stores, registries, or how anything is shown.
 *
 * @module
 */
export * from "./archive.ts";
export * from "./container.ts";
export * from "./damage.ts";
export * from "./export/destination.ts";
export * from "./export/draft.ts";
export * from "./export/file_sink.ts";
export type { ArchiveFile, Container, FileLocation, OpenOptions } from "./files.ts";
export * from "./export/have.ts";
export * from "./import/import.ts";
export * from "./import/options.ts";
export * from "./inspect.ts";
export * from "./import/naming.ts";
export * from "./open.ts";
export * from "./export/sink.ts";
export * from "./sparse.ts";
export * from "./export/stream_sink.ts";
export * from "./survey.ts";
export * from "./verify.ts";
export * from "./volumes/volume_list.ts";
export * from "./export/volume_sink.ts";
export * from "./volumes/volumes.ts";
export * from "./volumes/whole.ts";
export * from "./export/write.ts";
