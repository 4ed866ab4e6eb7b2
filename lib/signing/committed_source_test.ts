import assert from "node:assert/strict";
import { copy, gatedTarget, MemoryRepository } from "../content/mod.ts";
import { type Descriptor, MediaType } from "../oci/mod.ts";
import { attachArtifact, collectArtifacts, committedSource } from "./mod.ts";

/** A repository with an image `v1` and something that refers to it by its subject, and by a tag. */
async function signedRepository(): Promise<{ repository: MemoryRepository; subject: Descriptor }> {
  const repository = new MemoryRepository();
  const config = repository.add("application/vnd.oci.empty.v1+json", "{}");
  const subject = repository.addManifest({ mediaType: MediaType.ociManifest, config, layers: [] }, "v1");
  const tag = `${subject.digest.replace(":", "-")}.sig`;
  for (const each of [{}, { tag }]) {
    const layers = [{ mediaType: "text/plain", data: btoa("tag" in each ? "by tag" : "by subject") }];
    const artifact = { artifactType: "application/vnd.example", layers, ...each };
    await attachArtifact({ source: repository, target: repository, subject }, artifact);
  }
  return { repository, subject };
}

function textsOf(artifacts: Awaited<ReturnType<typeof collectArtifacts>>): string[] {
  return artifacts.flatMap(({ layers }) => layers.map(({ data }) => atob(data!))).sort();
}

Deno.test("what comes along can be read before any of it is visible", async () => {
  const { repository, subject } = await signedRepository();
  const target = new MemoryRepository();
  const seen: string[][] = [];
  const gated = gatedTarget(target, {
    before: async (commit) => {
      assert.equal(target.names.size, 0);
      seen.push(textsOf(await collectArtifacts(committedSource(commit, target), subject)));
    },
  });
  await copy(repository, "v1", gated, { tag: "v1" });
  assert.deepEqual(seen, [["by subject", "by tag"]]);
});

Deno.test("what is there counts only if that is asked for, and each thing once", async () => {
  const { repository, subject } = await signedRepository();
  const target = new MemoryRepository();
  await copy(repository, "v1", target, { tag: "v1" });
  const seen: string[][] = [];
  const gated = gatedTarget(target, {
    before: async (commit) => {
      for (const there of [undefined, target]) {
        seen.push(textsOf(await collectArtifacts(committedSource(commit, target, there), subject)));
      }
    },
  });
  await copy(repository, "v1", gated, { tag: "v2", referrers: false });
  await copy(repository, "v1", gated, { tag: "v2" });
  const both = ["by subject", "by tag"];
  assert.deepEqual(seen, [[], both, both, both]);
});
