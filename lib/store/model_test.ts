import assert from "node:assert/strict";
import fc from "fast-check";
import { MemoryRepository } from "../content/mod.ts";
import { type Digest, digestHex } from "../oci/mod.ts";
import { blobsIn, makeAttachment, makeImage, pull, ref, scratch } from "./_testing.ts";

/** What a user does to a store. Images and names are numbers, so that sequences meet on them. */
type Step =
  | { do: "pull"; image: number; name: number }
  | { do: "tag"; from: number; to: number }
  | { do: "remove"; name: number }
  | { do: "gc"; untagged: boolean };

const IMAGES = 4;
const number = fc.nat({ max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pull" as const), image: number, name: number }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("tag" as const), from: number, to: number }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("remove" as const), name: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("gc" as const), untagged: fc.boolean() }) },
);

/** Images that share a config, or a platform, and have attachments of every kind. */
function makeSource() {
  const source = new MemoryRepository();
  const images = Array.from({ length: IMAGES }, (_, at) => {
    const image = makeImage(source, `image${at}`, `config ${at % 2}`);
    const parts = [image.index, ...image.manifests, ...image.layers, image.config].map(({ digest }) => digest);
    return { ...image, parts };
  });
  // The second image's index lists a platform of the first.
  const shared = source.addManifest({
    mediaType: images[0].index.mediaType,
    manifests: [{ ...images[0].manifests[0], platform: { architecture: "amd64", os: "linux" } }],
  }, "image1");
  images[1].parts = [shared.digest, images[0].manifests[0].digest, images[0].config.digest, images[0].layers[0].digest];
  images[1].index = shared;
  const attach = (owner: number, subject: typeof shared, tag?: string) => {
    const before = new Set(source.contents.keys());
    const descriptor = makeAttachment(source, subject, `about ${subject.digest} ${tag}`, tag);
    const added = [...source.contents.keys()].filter((digest) => !before.has(digest));
    const empty = [...source.contents].find(([, { mediaType }]) => mediaType.includes("empty"))![0];
    images[owner].parts.push(...added, empty);
    return { descriptor, parts: [...added, empty] };
  };
  const note = attach(0, images[0].index).descriptor;
  attach(0, note);
  // What refers to the shared platform comes with either image, and stays as long as one of them does.
  images[1].parts.push(...attach(0, images[0].manifests[0]).parts);
  attach(2, images[2].index, `sha256-${digestHex(images[2].index.digest)}.sig`);
  attach(2, images[2].manifests[1]);
  return { source, images };
}

const nameOf = (name: number) => `ghcr.io/inspektor-gadget/gadget/name${name}:latest`;

Deno.test("whatever is pulled, tagged, removed and collected, names hold what was put there and no blob is lost or left", async () => {
  const { source, images } = makeSource();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      using made = scratch();
      const store = made.open();
      const model = new Map<string, number>();
      for (const next of steps) {
        if (next.do === "pull") {
          await pull(source, `image${next.image}`, store, `name${next.name}`);
          model.set(nameOf(next.name), next.image);
        } else if (next.do === "tag") {
          const image = model.get(nameOf(next.from));
          const tagging = store.tag(ref(`name${next.from}`), ref(`name${next.to}`));
          if (image === undefined) await assert.rejects(tagging);
          else {
            await tagging;
            model.set(nameOf(next.to), image);
          }
        } else if (next.do === "remove") {
          const removing = store.remove(ref(`name${next.name}`));
          if (model.delete(nameOf(next.name))) await removing;
          else await assert.rejects(removing);
        } else await store.gc({ minAge: 0, untagged: next.untagged });

        const { damage, garbage } = await store.check();
        assert.deepEqual(damage, []);
        assert.deepEqual(garbage.filter(({ kind }) => kind !== "untagged"), []);
        const listed = (await store.images()).map(({ name, descriptor }) => [name, descriptor.digest]);
        const expected = [...model].map(([name, image]) => [name, images[image].index.digest]);
        assert.deepEqual(listed, expected.sort(([a], [b]) => a < b ? -1 : 1));
        const blobs = new Set(blobsIn(made.path));
        const needed = new Set<Digest>([...model.values()].flatMap((image) => images[image].parts));
        for (const digest of needed) assert.ok(blobs.has(digest), `${digest} is lost`);
      }
      await store.gc({ minAge: 0, untagged: true });
      const needed = new Set<Digest>([...model.values()].flatMap((image) => images[image].parts));
      assert.deepEqual(blobsIn(made.path), [...needed].sort());
      for (const name of model.keys()) await store.remove(name);
      assert.deepEqual(blobsIn(made.path), []);
    }),
    { numRuns: 100 },
  );
});
