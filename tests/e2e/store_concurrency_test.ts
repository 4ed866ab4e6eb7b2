import assert from "node:assert/strict";
import {
  attachmentTag,
  describe,
  makeCosignSignature,
  makeGadget,
  peerTest,
  pushImage,
  run,
  satchel,
  satchelSucceeds,
  scratchFolder,
  startRegistry,
} from "../harness/mod.ts";

const PROCESSES = 24;
const ROUNDS = 3;

peerTest("registry", `${PROCESSES} processes pull, tag, remove and clean at once, and nothing is lost`, async () => {
  await using registry = await startRegistry();
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  const env = { SATCHEL_INSECURE_REGISTRIES: registry.host };
  const images = [0, 1, 2].map((at) => makeGadget({ seed: `image ${at}`, layerSize: 40_000 }));
  for (const [at, image] of images.entries()) {
    await pushImage(registry, `demo/${at}`, attachmentTag(image.root.digest, ".sig"), makeCosignSignature(image.root));
    for (let each = 0; each < PROCESSES; each++) await pushImage(registry, `demo/${at}`, `v${each}`, image);
  }
  const satchelDoes = (...args: string[]) => satchelSucceeds(args, { store, env });

  /** Everybody removes again and again what somebody else is just pulling under another name. */
  const busy = async (each: number) => {
    const at = each % images.length;
    const pulled = `${registry.host}/demo/${at}:v${each}`;
    for (let round = 0; round < ROUNDS; round++) {
      await satchelDoes("image", "pull", pulled);
      await satchelDoes("image", "tag", pulled, `mine${each}:${round}`);
      await satchelDoes("image", "remove", pulled);
      if (each % 2 === 0) await satchelDoes("image", "remove", `mine${each}:${round}`);
      if (each % 8 === 0) await satchelDoes("store", "gc");
      if (each % 8 === 1) await satchelDoes("image", "list");
    }
  };
  let isDone = false;
  const all = Promise.all([
    Promise.all(Array.from({ length: PROCESSES }, (_, each) => busy(each))).finally(() => isDone = true),
    // ig rewrites the index in place, under the lock: a reader without it may see the half.
    (async () => {
      while (!isDone) {
        const rewrite = 'cp "$1/index.json" "$1/copy" && cat "$1/copy" > "$1/index.json"; rm -f "$1/copy"';
        await run("sh", [
          "-c",
          `[ -f "$1/index.json" ] && flock "$1/index.json.lock" sh -c '${rewrite}' sh "$1"`,
          "sh",
          store,
        ]);
      }
    })(),
  ]);
  await all;

  const check = await satchel(["store", "check", "-o", "json"], { store, env });
  assert.equal(check.code, 0, describe(check));
  const expected: string[] = [];
  for (let each = 1; each < PROCESSES; each += 2) {
    for (let round = 0; round < ROUNDS; round++) expected.push(`mine${each}:${round} ${images[each % 3].root.digest}`);
  }
  const listed = JSON.parse(await satchelDoes("image", "list", "-o", "json"));
  assert.deepEqual(
    listed.map((image: Record<string, string>) => `${image.Repository}:${image.Tag} ${image.Digest}`).sort(),
    expected.sort(),
  );
});
