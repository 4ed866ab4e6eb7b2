import { hasCode, SatchelError, withContext } from "../../lib/error.ts";
import type { Digest } from "../../lib/oci/mod.ts";
import { printable } from "../../lib/printable.ts";
import { openImage } from "../inspect/open_image.ts";
import { isSet } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import { EXIT_OK } from "../output/exit.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import { type ReferrerNode, referrerTree, treeLines } from "../signing/referrer_tree.ts";

/** What `-o json` prints. Members are never renamed or removed, but more may come. */
interface ReferrersReport {
  /** The full name. */
  image: string;
  digest: Digest;
  mediaType: string;
  /** Bytes. */
  size: number;
  referrers: ReferrerNode[];
}

/** `satchel image referrers IMAGE`: what refers to it, and what refers to that. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, signal, arguments: [typed] } = invocation;
  const settings = await loadSettings(invocation);
  using reporter = openReporter(settings, signal);
  const pull = isSet(flags, "remote") ? "always" : "never";
  try {
    await using image = await openImage(typed, { invocation, settings, reporter, pull });
    const { digest, mediaType, size } = image.root.descriptor;
    const referrers = await referrerTree(image.source, image.root.descriptor, signal);
    reporter.finish();
    const report: ReferrersReport = { image: image.name, digest, mediaType, size, referrers };
    await printResult(outputMode(flags), report, () => textOf(report));
    return EXIT_OK;
  } catch (error) {
    const hint = "Pull it, or look at the registry with --remote.";
    const isHere = hasCode(error, "not-found") && pull === "never";
    const reason = isHere ? new SatchelError(error.code, error.message, { hint, cause: error }) : error;
    throw withContext(`listing what refers to ${printable(typed, 300)}`, reason);
  }
}

function textOf({ image, digest, referrers }: ReferrersReport): string {
  const name = image.endsWith(digest) ? image : `${image}@${digest}`;
  return [printable(name), ...treeLines(referrers)].map((line) => `${line}\n`).join("");
}
