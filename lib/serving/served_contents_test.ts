import assert from "node:assert/strict";
import { fallbackTag } from "../content/mod.ts";
import type { Digest } from "../oci/mod.ts";
import { type NamedContents, servedContents } from "./served_contents.ts";

const NAME = { registry: "example.org", repository: "demo" };
const digest = (char: string) => `sha256:${char.repeat(64)}` as Digest;
const descriptor = (char: string) => ({ mediaType: "text/plain", digest: digest(char), size: 1 });

Deno.test("what could not be read for a list of tags is read again for the next one", async () => {
  const tag = `${fallbackTag(digest("c"))}.sig`;
  let tries = 0;
  const contents: NamedContents = {
    names: ["example.org/demo:v1", tag],
    resolve: async (name) => ({ descriptor: descriptor(name === tag ? "b" : "a") }),
    async children() {
      if (++tries === 1) throw new Error("input/output error");
      return new Map([[digest("c"), { parents: [digest("a")] }]]);
    },
  };
  const served = servedContents(contents);
  await assert.rejects(served.tagsOf(NAME), /input\/output error/);
  assert.deepEqual(await served.tagsOf(NAME), [tag, "v1"]);
  assert.deepEqual(await served.tagsOf(NAME), [tag, "v1"]);
  assert.equal(tries, 2);
});
