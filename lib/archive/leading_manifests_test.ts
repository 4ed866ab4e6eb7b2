import { strict as assert } from "node:assert";
import { MediaType } from "../oci/mod.ts";
import { bytesOf, passing } from "./_testing_layout.ts";
import type { PassingFile } from "./files.ts";
import { layoutPath } from "./layout.ts";
import { readAhead } from "./leading_manifests.ts";

const MANIFEST = new Uint8Array(4 * 1024 * 1024);

/** A stream whose list names as many manifests of 4 MiB, which follow; how many of them were read. */
function streamOf(count: number) {
  const digests = Array.from({ length: count }, (_, at) => `sha256:${String(at).padStart(64, "0")}` as const);
  const manifests = digests.map((digest) => ({ mediaType: MediaType.ociManifest, digest, size: MANIFEST.length }));
  const stream = passing(
    new Map([
      ["oci-layout", bytesOf('{"imageLayoutVersion":"1.0.0"}')],
      ["index.json", bytesOf(JSON.stringify({ schemaVersion: 2, manifests }))],
    ]),
  );
  const next = stream.next.bind(stream);
  const paths = digests.map(layoutPath).values();
  let read = 0;
  const fileOf = (path: string): PassingFile => ({
    path,
    size: MANIFEST.length,
    async *read() {
      read++;
      yield MANIFEST;
    },
  });
  stream.next = async () => {
    const file = await next();
    if (file) return file;
    const { value, done } = paths.next();
    return done ? undefined : fileOf(value);
  };
  return { stream, read: () => read };
}

Deno.test("manifests of 32 MiB are kept in memory, and of more none beyond them is read", async () => {
  const fitting = streamOf(8);
  assert.equal((await readAhead(fitting.stream, { spoolFolder: "/nonexistent" }))?.bytes.size, 8);
  const tooMany = streamOf(40);
  assert.equal(await readAhead(tooMany.stream, { spoolFolder: "/nonexistent" }), undefined);
  assert.equal(tooMany.read(), 8);
});
