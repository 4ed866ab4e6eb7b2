import {
  type ArchiveSink,
  type Destination,
  findDestination,
  openFileSink,
  openStreamSink,
  openVolumeSink,
  type SinkOptions,
} from "../../lib/archive/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import { isTerminal } from "../../lib/terminal/mod.ts";

/**
 * Finds out where an archive is to go; nothing is opened or created.
 *
 * @param path as it was typed
 * @throws {SatchelError} `usage` for a terminal, and what {@link findDestination} throws
 */
export function archiveDestination(path: string): Destination {
  const destination = findDestination(path);
  if (!isStdout(destination) || !isTerminal("stdout")) return destination;
  throw new SatchelError("usage", "An archive is not written to a terminal", {
    hint: "Name a file, or lead stdout into a pipe.",
  });
}

/** Whether an archive goes to stdout, by whichever name. */
export function isStdout(destination: Destination): boolean {
  return destination.kind === "stream" && destination.to === 1;
}

/**
 * Opens what an archive is written into.
 *
 * @param volumeSize of each volume, in bytes, where there are to be several; for files alone
 */
export async function openArchiveSink(
  destination: Destination,
  options: SinkOptions,
  volumeSize?: number,
): Promise<ArchiveSink> {
  if (destination.kind === "stream") return await openStreamSink(destination, options);
  if (volumeSize === undefined) return openFileSink(destination, options);
  return await openVolumeSink(destination, { ...options, volumeSize });
}
