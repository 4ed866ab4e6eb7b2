import { join } from "node:path";
import { ROOT, satchelSucceeds, type Scratch } from "../harness/mod.ts";

/** The gadgets in tests/gadgets, each with the folder of its source and where that lies. */
export const GADGETS = join(ROOT, "tests/gadgets");

/** The parts of a gadget's image that a store has, for each architecture, by what their media types say that they are. */
export type Parts = Record<string, Record<string, Uint8Array>>;

/** Builds one of {@link GADGETS} with flags for `image build`, and reads what is in the store then. */
export async function buildParts(
  scratch: Scratch,
  name: string,
  flags: readonly string[],
  env: Record<string, string> = {},
): Promise<Parts> {
  const store = scratch.at("store");
  const args = ["image", "build", "--format", "json", ...flags, join(GADGETS, name)];
  const { digest } = JSON.parse(await satchelSucceeds(args, { store, env, timeout: 300_000 }));
  const blob = (digest: string) => Deno.readFile(join(store, "blobs", ...digest.split(":")));
  const json = async (digest: string) => JSON.parse(new TextDecoder().decode(await blob(digest)));
  const parts: Parts = {};
  for (const { digest: child, platform } of (await json(digest)).manifests) {
    const its: Parts[string] = parts[platform.architecture] = {};
    for (const { mediaType, digest } of (await json(child)).layers) {
      its[/^application\/vnd\.gadget\.(\w+)\./.exec(mediaType)![1]] = await blob(digest);
    }
  }
  return parts;
}
