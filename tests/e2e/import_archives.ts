import { join } from "node:path";
import { type Image, makeGadget, type Outcome, satchel, type Scratch, succeed } from "../harness/mod.ts";
import { type Entry, writeStore } from "./cli_stores.ts";

/** A full name, as `ig` would store it. */
export const FULL = "example.org/a/b:v1";

/** Writes an image layout into a new folder `layout`, and returns the folder. */
export async function writeLayout(scratch: Scratch, entries: readonly Entry[], folder = "layout"): Promise<string> {
  const path = scratch.at(folder);
  await writeStore(path, entries);
  return path;
}

/** Packs what is in a folder, without the folder, as `x.tar`. */
export async function pack(scratch: Scratch, folder: string, name = "x.tar", ...options: string[]): Promise<string> {
  const path = scratch.at(name);
  const members = Array.from(Deno.readDirSync(folder), (entry) => entry.name).sort();
  await succeed("tar", [...options, "-cf", path, "-C", folder, ...members]);
  return path;
}

/** An archive of one gadget, packed by tar. */
export async function gadgetArchive(
  scratch: Scratch,
  name: string | undefined = FULL,
  image: Image = makeGadget(),
): Promise<{ path: string; folder: string; image: Image }> {
  const folder = await writeLayout(scratch, [{ image, name }]);
  return { path: await pack(scratch, folder), folder, image };
}

/** Path of a blob in a layout. */
export function blobAt(folder: string, digest: string): string {
  return join(folder, "blobs", ...digest.split(":"));
}

/** Imports into the scratch folder's store. */
export function importInto(scratch: Scratch, ...args: string[]): Promise<Outcome> {
  return satchel(["image", "import", ...args], { store: scratch.at("store"), cwd: scratch.path });
}

/** What the store of a scratch folder lists: digests by names. */
export async function listed(scratch: Scratch): Promise<Record<string, string>> {
  const { stdout } = await satchel(["image", "list", "-o", "json"], { store: scratch.at("store") });
  const images: { Repository: string; Tag: string; Digest: string }[] = JSON.parse(stdout);
  return Object.fromEntries(images.map(({ Repository, Tag, Digest }) => [`${Repository}:${Tag}`, Digest]));
}

/** The names of all entries of a store's index. */
export async function storedNames(scratch: Scratch): Promise<string[]> {
  const index = JSON.parse(await Deno.readTextFile(scratch.at("store", "index.json")));
  const names = index.manifests.map(({ annotations }: { annotations?: Record<string, string> }) =>
    annotations?.["org.opencontainers.image.ref.name"]
  );
  return names.filter((name: string | undefined) => name !== undefined).sort();
}

/** Whether something is there. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
