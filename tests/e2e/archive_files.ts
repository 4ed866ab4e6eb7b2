import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import {
  attachmentTag,
  describe,
  type Image,
  makeCosignSignature,
  makeGadget,
  type Outcome,
  satchel,
  type Scratch,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";

/** The names of the two images. */
export const NAMES = ["example.org/a:v1", "example.org/b:v1"];
/** Bytes of each of their layers. */
export const LAYER_SIZE = 100_000;

/** An archive of a signed gadget and of another one, as `x.tar`, exported with these flags. */
export async function exported(scratch: Scratch, ...flags: string[]): Promise<{ images: Image[]; printed: Outcome }> {
  const images = [makeGadget({ layerSize: LAYER_SIZE }), makeGadget({ layerSize: LAYER_SIZE })];
  await writeStore(scratch.at("store"), [
    ...images.map((image, at) => ({ image, name: NAMES[at] })),
    { image: makeCosignSignature(images[0].root), name: attachmentTag(images[0].root.digest, ".sig") },
  ]);
  return { images, printed: await exportAll(scratch, "x.tar", ...flags) };
}

/** Exports all of the scratch folder's store. */
export async function exportAll(scratch: Scratch, file: string, ...flags: string[]): Promise<Outcome> {
  const printed = await satchel(["image", "export", "--all", file, "-o", "json", ...flags], {
    store: scratch.at("store"),
    cwd: scratch.path,
  });
  assert.equal(printed.code, 0, describe(printed));
  return printed;
}

/** Runs `satchel archive` in the scratch folder. */
export function archive(scratch: Scratch, ...args: string[]): Promise<Outcome> {
  return satchel(["archive", ...args], { cwd: scratch.path });
}

/** The report of `archive verify`, which must end with this status. */
export async function verdict(scratch: Scratch, status: number, ...args: string[]) {
  const outcome = await archive(scratch, "verify", ...args, "-o", "json");
  assert.equal(outcome.code, status, describe(outcome));
  return JSON.parse(outcome.stdout);
}

/** Turns one byte of a blob over, wherever it lies. */
export async function damage(scratch: Scratch, file: string, image: Image, blob: number): Promise<string> {
  const bytes = await Deno.readFile(scratch.at(file));
  const { digest, bytes: content } = image.blobs[blob];
  const at = Buffer.from(bytes).indexOf(Buffer.from(content.subarray(0, 64)));
  assert.ok(at > 0, `${digest} is not in ${file}`);
  bytes[at] ^= 1;
  await Deno.writeFile(scratch.at(file), bytes);
  return digest;
}
