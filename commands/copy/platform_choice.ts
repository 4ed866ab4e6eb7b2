import { isAmong, planCopy, platformsOf, type Source } from "../../lib/content/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import { formatPlatform, type Platform } from "../../lib/oci/mod.ts";
import { checkPlatforms, leavesOut } from "../image/platforms.ts";
import type { CopyContext, SourceImage } from "./job.ts";

/** What of an image for several platforms comes along. */
export interface PlatformChoice {
  /** The platforms whose content alone comes along, if others are left out. */
  only?: readonly Platform[];
  /** The platforms that come along though they were not asked for. */
  others: readonly Platform[];
}

/**
 * Finds out what of an image comes along; where platforms were asked for, by reading its manifests.
 *
 * @param source that of the image, guarded
 * @throws {SatchelError} `not-found` if there is nothing for a platform that was asked for, or parts are missing of an image
 *   that a registry would be given, and whatever the source throws
 */
export async function choosePlatforms(
  { name, from, platforms: there }: SourceImage,
  source: Source,
  { request, signal }: CopyContext,
): Promise<PlatformChoice> {
  const { platforms: wanted, sparse } = request.choice;
  if (there && request.to.kind === "registry") {
    const only = there.map(formatPlatform).join(", ");
    throw new SatchelError("not-found", `${name} is there for ${only} only, and a registry takes whole images alone`, {
      hint: "Copy it from where it is whole.",
    });
  }
  if (!wanted) return { others: [], ...(there && { only: there }) };
  if (there) checkPlatforms(there, wanted);
  const platforms = sparse ? wanted : there;
  const plan = await planCopy(source, from, { signal, referrers: false, ...(platforms && { platforms }) });
  const all = await platformsOf(plan, source);
  checkPlatforms(all, wanted);
  const only = platforms && leavesOut(plan) ? platforms : undefined;
  return {
    others: sparse ? [] : (there ?? all).filter((each) => !isAmong(each, wanted)),
    ...(only && { only }),
  };
}
