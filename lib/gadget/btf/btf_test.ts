import { strict as assert } from "node:assert";
import { readEbpfObject } from "../object/object.ts";
import { bpftoolJson } from "./_bpftool_json.ts";

const GADGETS = new URL("../../../tests/fixtures/gadgets/", import.meta.url);

for (
  const name of [
    "ebpf-and-wasm",
    "ebpf-no-metadata",
    "kinds",
    "params",
    "snap-iter",
    "top-mapiter",
    "trace-perf",
    "trace-ringbuf",
  ]
) {
  Deno.test(`the types of ${name} are those that bpftool finds`, () => {
    const { btf } = readEbpfObject(Deno.readFileSync(new URL(`${name}/objects/amd64.bpf.o`, GADGETS)), name);
    const recorded = JSON.parse(Deno.readTextFileSync(new URL(`${name}/objects/amd64.btf.json`, GADGETS)));
    assert.ok(btf);
    assert.deepEqual(bpftoolJson(btf), recorded);
  });
}
