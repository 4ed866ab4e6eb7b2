import { withContext } from "../../lib/error.ts";
import { isTerminal } from "../../lib/terminal/streams.ts";
import { showContent, showContents, showDataSources } from "../inspect/contents.ts";
import { openImage } from "../inspect/open_image.ts";
import { choosePlatform, readManifest } from "../inspect/read_image.ts";
import { readRequest } from "../inspect/request.ts";
import type { Invocation } from "../line/invocation.ts";
import { EXIT_OK } from "../output/exit.ts";
import { printFailures } from "../output/failures.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";

/** `satchel image inspect IMAGE`: what an image holds. Nothing of it is run, and nothing is stored. */
export async function run(invocation: Invocation): Promise<number> {
  const request = readRequest(invocation.flags, isTerminal("stdout"));
  const settings = await loadSettings(invocation);
  const { signal } = invocation;
  using reporter = openReporter(settings, signal);
  await using image = await openImage(invocation.arguments[0], { invocation, settings, reporter, pull: request.pull })
    .catch((error) => {
      throw withContext("inspecting image", error);
    });
  const root = await readManifest(image.source, image.root.descriptor, signal, image.root.bytes);
  const chosen = await choosePlatform(image, root, request.platform, signal);
  const inspected = { image, root, chosen, request, settings, reporter, signal };
  switch (request.wanted.kind) {
    case "summary": {
      const { showSummary } = await import("../inspect/summary.ts");
      await showSummary(inspected);
      break;
    }
    case "contents":
      return printFailures(await showContents(inspected), invocation);
    case "content":
      await showContent(inspected, request.wanted);
      break;
    case "data-sources":
      await showDataSources(inspected, request.wanted.path);
  }
  return EXIT_OK;
}
