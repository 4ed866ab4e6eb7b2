import { withContext } from "../../lib/error.ts";
import { formatReference } from "../../lib/oci/mod.ts";
import { EXIT_OK } from "../output/exit.ts";
import { readImageName } from "../line/image_name.ts";
import type { Invocation } from "../line/invocation.ts";
import { localName, openLocalStore } from "../open/local_store.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import { nameWithDigest } from "./transfer.ts";

/** `satchel image tag SRC_IMAGE DST_IMAGE`: another name for a local image. */
export async function run(invocation: Invocation): Promise<number> {
  const settings = await loadSettings(invocation);
  const [from, to] = invocation.arguments;
  const destination = readImageName(to);
  using reporter = openReporter(settings, invocation.signal);
  const store = openLocalStore(settings, reporter);
  const source = await localName(store, from, { signal: invocation.signal });
  const { digest, mediaType, size } = await store.tag(source, destination, { signal: invocation.signal }).catch(
    (error: unknown) => {
      throw withContext("tagging image", error);
    },
  );
  const text = () => settings.quiet ? "" : `Successfully tagged with ${nameWithDigest(destination, { digest })}\n`;
  const result = { name: formatReference(destination), digest, mediaType, size };
  await printResult(outputMode(invocation.flags), result, text);
  return EXIT_OK;
}
