import type { Source } from "../content/mod.ts";
import { type ErrorCode, SatchelError } from "../error.ts";

/** How a place is opened. */
export interface PlaceOptions {
  /** For messages: `mirror.example:5000/cache/gadget`. */
  name: string;
  /** Opens it; called once, when it is asked for the first time. */
  open: () => Promise<Source>;
}

/** What a place gave. */
export interface Served {
  name: string;
  /** Manifests included. */
  blobs: number;
  bytes: number;
}

/** One place where a repository's content may be had, and how it has done so far. */
export interface Place extends Served {
  readonly isMirror: boolean;
  /** It is not asked any more in this run. */
  isOut: boolean;
  source: () => Promise<Source>;
}

/** What makes a mirror useless for the rest of a run: nobody answers there, nobody lets us in, or what it gives is wrong. */
const USELESS: readonly ErrorCode[] = ["network", "denied", "integrity", "invalid", "refused"];

/** Makes a place, which is opened when it is first asked. */
export function placeOf({ name, open }: PlaceOptions, isMirror: boolean): Place {
  let opened: Promise<Source> | undefined;
  return { name, isMirror, isOut: false, blobs: 0, bytes: 0, source: () => opened ??= open() };
}

/**
 * Asks each place until one has an answer.
 *
 * @param places the last of them is no mirror
 * @throws {SatchelError} what the last place throws
 */
export async function askInOrder<T>(
  places: readonly Place[],
  question: (source: Source) => Promise<T>,
  onDetail: (message: string) => void,
): Promise<{ place: Place; answer: T }> {
  for (const place of places) {
    if (place.isOut) continue;
    try {
      return { place, answer: await question(await place.source()) };
    } catch (error) {
      passOver(place, error, onDetail);
    }
  }
  throw new Error("no place but mirrors");
}

/**
 * Takes note of a mirror's failure, so that the next place is asked.
 *
 * @throws what was thrown, if the place is no mirror, or if it is not the mirror's fault
 */
export function passOver(place: Place, error: unknown, onDetail: (message: string) => void): void {
  if (!place.isMirror || !(error instanceof SatchelError) || error.code === "cancelled") throw error;
  const wasOut = place.isOut;
  place.isOut ||= USELESS.includes(error.code);
  const consequence = place.isOut ? "is not asked any more" : "was passed over";
  if (!wasOut) onDetail(`The mirror ${place.name} ${consequence}: ${error.message}`);
}
