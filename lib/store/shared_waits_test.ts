import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { contentOf, MemoryRepository } from "../content/mod.ts";
import { MediaType } from "../oci/mod.ts";
import { ref, removeBlob, scratch } from "./_testing.ts";
import { changeIndex } from "./index_file.ts";
import { layoutOf } from "./layout.ts";
import type { RepositoryCommit } from "./repository.ts";
import { sharedCommits, sharedFolderSync } from "./shared_waits.ts";

const source = new MemoryRepository();

/** Commits of images of one blob each, whose content is there. */
async function commitsIn(made: ReturnType<typeof scratch>, names: readonly string[]): Promise<RepositoryCommit[]> {
  return await Promise.all(names.map(async (name) => {
    const config = source.add(MediaType.empty, name);
    const descriptor = source.addManifest({ mediaType: MediaType.ociManifest, config, layers: [] });
    const repository = ref(name);
    const target = made.open().repository(repository);
    await target.prepare();
    const bytesOf = ({ digest }: typeof config) => source.contents.get(digest)!.bytes;
    for (const each of [config, descriptor]) await target.push(each, contentOf(bytesOf(each)));
    const named = { tag: repository.tag!, descriptor, bytes: bytesOf(descriptor) };
    return { repository, commit: { manifests: [{ descriptor }], blobs: [config], names: [named] } };
  }));
}

const NAMES = ["example.org/a:v1", "example.org/b:v1", "example.org/c:v1"];

Deno.test("what comes while the index is changed goes into it together; what one lacks does not keep others out", async () => {
  using made = scratch();
  const layout = layoutOf({ path: made.path });
  const commits = await commitsIn(made, NAMES);
  removeBlob(made.path, commits[1].commit.blobs[0].digest);
  const take = sharedCommits(layout);
  // The first holds nobody up: while it waits for the lock, the others gather.
  const { promise: isFree, resolve: free } = Promise.withResolvers<void>();
  const held = changeIndex(layout, undefined, () => isFree);
  const results = Promise.allSettled(commits.map(take));
  free();
  await held;
  assert.deepEqual((await results).map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.deepEqual(await made.open().names(), [NAMES[0], NAMES[2]]);
  await assert.rejects(take(commits[1]), { code: "content-lost" });
  await take(commits[0]);
});

Deno.test("whoever comes while a folder is synced waits for the next time, and hears what fails", async () => {
  using made = scratch();
  const sync = sharedFolderSync();
  const folder = join(made.folder, "folder");
  await assert.rejects(sync(folder), { code: "storage" });
  mkdirSync(folder);
  const first = sync(folder);
  const [second, third] = [sync(folder), sync(folder)];
  assert.notEqual(first, second);
  assert.equal(second, third);
  await Promise.all([first, second, third]);
  await sync(folder);
});
