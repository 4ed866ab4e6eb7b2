import { SatchelError } from "../../error.ts";
import type { Compression } from "../files.ts";

/** The error for an archive whose compressed bytes end before their end. */
export function endsTooEarly(name: string, compression: Compression, cause?: unknown): SatchelError {
  return new SatchelError("invalid", `${name} ends too early: its ${compression} is not complete`, {
    hint: "It was not copied whole; copy it again.",
    cause,
  });
}

/** The error for an archive that has something else behind its compressed bytes. */
export function isFollowed(name: string, compression: Compression): SatchelError {
  return new SatchelError("invalid", `${name} is damaged: something else follows its ${compression}`);
}
