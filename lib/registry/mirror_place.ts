import type { Source } from "../content/mod.ts";
import { type ErrorCode, SatchelError } from "../error.ts";

/** How a place is opened. */
export interface PlaceOptions {
  /** For messages: `mirror.example:5000/cache/gadget`. */
  name: string;
  /** Opens it; called once, when it is asked for the first time. */
  open: () => Promise<Source>;
}

/** One place where a repository's content may be had, and how it has done so far. */
export interface Place {
  readonly name: string;
  readonly isMirror: boolean;
  /** It is not asked any more in this run. */
  isOut: boolean;
  /** Why it was passed over when it was asked for the last time. */
  failure?: SatchelError;
  source: () => Promise<Source>;
}

/** Who is told of mirrors that are passed over. */
export interface PlaceListener {
  /** Told why a mirror was passed over. */
  onDetail: (message: string) => void;
  /** Told what the user should know though it is no error. */
  onWarning: (message: string) => void;
}

/**
 * What makes a mirror useless for the rest of a run: nobody answers there, nobody lets us in, what it gives is wrong, or what is
 * set for it cannot be used.
 */
const USELESS: readonly ErrorCode[] = ["network", "denied", "integrity", "invalid", "refused", "usage"];

/** Makes a place, which is opened when it is first asked. */
export function placeOf({ name, open }: PlaceOptions, isMirror: boolean): Place {
  let opened: Promise<Source> | undefined;
  return { name, isMirror, isOut: false, source: () => opened ??= open() };
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
  listener: PlaceListener,
): Promise<{ place: Place; answer: T }> {
  for (const place of places) {
    if (place.isOut) continue;
    try {
      return { place, answer: await question(await place.source()) };
    } catch (error) {
      passOver(place, error, listener);
    }
  }
  throw new Error("no place but mirrors");
}

/**
 * Takes note of a mirror's failure, so that the next place is asked.
 *
 * @throws what was thrown, if the place is no mirror, or if it is not the mirror's fault
 */
export function passOver(place: Place, error: unknown, { onDetail, onWarning }: PlaceListener): void {
  if (!place.isMirror || !(error instanceof SatchelError) || error.code === "cancelled") throw error;
  const wasOut = place.isOut;
  place.failure = error;
  place.isOut ||= USELESS.includes(error.code);
  if (wasOut) return;
  const consequence = place.isOut ? "is not asked any more" : "was passed over";
  // A file of the user's is broken, which nothing but a message brings to light.
  const tell = error.code === "usage" ? onWarning : onDetail;
  tell(`The mirror ${place.name} ${consequence}: ${error.message}`);
}
