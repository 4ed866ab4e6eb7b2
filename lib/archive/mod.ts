/**
 * Archives: OCI image layouts and what `docker save` writes, in a tar, a compressed tar, volumes of one, or a folder; read
 * as a source to copy from, written from the plan of a copy. It must not know of stores, registries, or how anything is shown.
 *
 * @module
 */
export * from "./archive.ts";
export * from "./container.ts";
export * from "./damage.ts";
export * from "./destination.ts";
export * from "./draft.ts";
export * from "./file_sink.ts";
export type { ArchiveFile, Container, FileLocation, OpenOptions } from "./files.ts";
export * from "./have.ts";
export * from "./import.ts";
export * from "./inspect.ts";
export * from "./naming.ts";
export * from "./open.ts";
export * from "./sink.ts";
export * from "./sparse.ts";
export * from "./stream_sink.ts";
export * from "./survey.ts";
export * from "./verify.ts";
export * from "./volume_list.ts";
export * from "./volume_sink.ts";
export * from "./volumes.ts";
export * from "./whole.ts";
export * from "./write.ts";
