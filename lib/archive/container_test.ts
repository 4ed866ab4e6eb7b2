import { strict as assert } from "node:assert";
import { join } from "node:path";
import { ROOT } from "../../tests/harness/paths.ts";
import { openContainer } from "./container.ts";
import { concatBytes } from "../content/mod.ts";

const SIGNED = join(ROOT, "tests/fixtures/ig-export-signed.tar");

Deno.test("a tar in a file is read in any order", async () => {
  const container = await openContainer(SIGNED, { spoolFolder: "/nonexistent" });
  assert(container.kind === "files");
  using files = container;
  assert.equal(files.container, "tar");
  const chunks: Uint8Array[] = [];
  for await (const chunk of files.get("oci-layout")!.open()) chunks.push(chunk.slice());
  assert.equal(new TextDecoder().decode(concatBytes(chunks)), '{"imageLayoutVersion":"1.0.0"}');
  assert.equal([...files.list()].length, 11);
});
