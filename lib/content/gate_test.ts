import assert from "node:assert/strict";
import { SatchelError } from "../error.ts";
import type { Digest } from "../oci/mod.ts";
import { makeImage } from "./_testing.ts";
import { copy } from "./copy.ts";
import { gatedSource, gatedTarget } from "./gate.ts";
import { MemoryRepository } from "./memory.ts";

const refuse = () => Promise.reject(new SatchelError("refused", "no"));

/** A repository that loses content before it names it, as often as it is told to. */
class ForgetfulRepository extends MemoryRepository {
  losses = 0;
  onLoss = () => {};

  override commit(commit: Parameters<MemoryRepository["commit"]>[0]): Promise<void> {
    if (this.losses === 0) return super.commit(commit);
    this.losses--;
    this.onLoss();
    return Promise.reject(new SatchelError("content-lost", "gone"));
  }
}

Deno.test("what a gate refuses is not fetched", async () => {
  const source = new MemoryRepository();
  makeImage(source);
  const target = new MemoryRepository();
  await assert.rejects(copy(gatedSource(source, "v1", refuse), "v1", target, { tag: "v1" }), { message: "no" });
  assert.equal(target.contents.size, 0);
});

Deno.test("a copy that starts over asks once for each digest that the name stands for", async () => {
  const source = new MemoryRepository();
  const { index } = makeImage(source);
  const other = source.addManifest({ mediaType: index.mediaType, manifests: [] });
  const target = new ForgetfulRepository();
  target.losses = 3;
  // The tag moves while the copy is under way.
  target.onLoss = () => target.losses === 1 && source.names.set("v1", other.digest);
  const asked: Digest[] = [];
  const gate = gatedSource(source, "v1", async ({ digest }) => void asked.push(digest));
  await copy(gate, "v1", target, { tag: "v1" });
  assert.deepEqual(asked, [index.digest, other.digest]);
  assert.equal(target.names.get("v1"), other.digest);
});

Deno.test("a gate is asked about the name alone, not about what refers to the image", async () => {
  const source = new MemoryRepository();
  const { index } = makeImage(source);
  const signature = source.addManifest({ mediaType: index.mediaType, manifests: [] });
  source.names.set(`${index.digest.replace(":", "-")}.sig`, signature.digest);
  const asked: Digest[] = [];
  const gate = gatedSource(source, "v1", async ({ digest }) => void asked.push(digest));
  const { attachments } = await copy(gate, "v1", new MemoryRepository(), { tag: "v1" });
  assert.equal(attachments.length, 1);
  assert.deepEqual(asked, [index.digest]);
});

Deno.test("a refusal before the commit leaves names as they are, one after it does not", async () => {
  const source = new MemoryRepository();
  const { index } = makeImage(source);
  const target = new MemoryRepository();
  await assert.rejects(copy(source, "v1", gatedTarget(target, { before: refuse }), { tag: "v1" }), { message: "no" });
  assert.ok(target.contents.has(index.digest));
  assert.equal(target.names.size, 0);
  await assert.rejects(copy(source, "v1", gatedTarget(target, { after: refuse }), { tag: "v1" }), { message: "no" });
  assert.equal(target.names.get("v1"), index.digest);
});

Deno.test("a gated source hands on that its bytes are not believed", () => {
  const distrust = () => true;
  const source = Object.assign(new MemoryRepository(), { distrust });
  const descriptor = source.add("text/plain", "x");
  assert.equal(gatedSource(source, "v1", refuse).distrust?.(descriptor), true);
  assert.equal(gatedSource(new MemoryRepository(), "v1", refuse).distrust, undefined);
});
