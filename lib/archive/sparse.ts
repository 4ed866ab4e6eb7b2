import { isAmong, listedPlatforms, type Plan } from "../content/mod.ts";
import { SatchelError } from "../error.ts";
import { formatPlatform, type Platform } from "../oci/mod.ts";

/**
 * Makes sure that an image which is said to be there for some platforms only is for these: else a list could have any image pass
 * for one of which nothing is needed.
 *
 * @param platforms what is said; `undefined` for a whole image, of which all is needed
 * @throws {SatchelError} `invalid`
 */
export function checkSparse(plan: Plan, platforms: readonly Platform[] | undefined): void {
  if (!platforms) return;
  const listed = listedPlatforms(plan).platforms;
  const unknown = platforms.filter((each) => !listed.some((one) => isAmong(one, [each])));
  if (unknown.length === 0) return;
  const list = (some: readonly Platform[]) => some.map(formatPlatform).join(", ");
  const others = listed.length === 0 ? "it has no platforms to choose from" : `it is for ${list(listed)}`;
  throw new SatchelError("invalid", `it is said to be there for ${list(platforms)} only, and ${others}`);
}
