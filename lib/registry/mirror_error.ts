import { SatchelError, type SatchelErrorOptions } from "../error.ts";
import type { Place } from "./mirror_place.ts";

const RESOLVE_TAGS_HINT =
  "Name the image by its digest, or set resolveTags: true for a mirror that you believe about tags.";

/**
 * The error for a question to which nobody had an answer: what each place said, in a line each, in the order in which they were
 * asked. As long as somebody is there for the registry, what to do is about it; else it is about a mirror.
 *
 * @param places who was asked, the registry last
 * @param error what the registry threw
 * @param notBelieved the mirrors that were not asked, since their word does not count
 */
export function everyPlaceFailed(
  places: readonly Place[],
  error: unknown,
  notBelieved: readonly Place[] = [],
): unknown {
  if (!(error instanceof SatchelError) || error.code === "cancelled") return error;
  // With an obstacle somebody is there, and to remove it is the way to the image.
  const isAway = error.code === "network" && error.obstacle === undefined;
  const failed = places.flatMap(({ name, failure }) => failure ? [{ name, failure }] : []);
  const mute = isAway ? notBelieved : [];
  if (failed.length === 0 && mute.length === 0) return error;
  const lines = [
    ...failed.map(({ name, failure }) => `the mirror ${name}: ${failure.message}`),
    ...mute.map(({ name }) => `the mirror ${name}: not asked what a tag means`),
    `the registry: ${error.message}`,
  ];
  const advice = isAway ? adviceWithoutRegistry(failed, mute.length > 0, error) : error;
  const { hint, obstacle } = advice;
  const code = obstacle?.reason.startsWith("account-") ? "denied" : error.code;
  return new SatchelError(code, ["neither the mirrors nor the registry gave it", ...lines].join("\n"), {
    hint,
    obstacle,
    cause: error,
  });
}

function adviceWithoutRegistry(
  failed: readonly { name: string; failure: SatchelError }[],
  hasMute: boolean,
  error: SatchelError,
): Pick<SatchelErrorOptions, "hint" | "obstacle"> {
  const helpful = failed.find(({ failure: { hint, obstacle } }) => hint !== undefined || obstacle !== undefined);
  if (helpful) return helpful.failure;
  if (hasMute) return { hint: RESOLVE_TAGS_HINT };
  const lacking = failed.find(({ failure }) => failure.code === "not-found");
  return lacking ? { hint: `The registry cannot be reached from here: put the image into ${lacking.name}.` } : error;
}
