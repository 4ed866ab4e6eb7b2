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
  startServedRegistry,
} from "../harness/mod.ts";

const PROCESSES = 24;
const ROUNDS = 4;
const IMAGES = 8;

peerTest(
  "flock",
  `${PROCESSES} processes pull, tag, remove and clean at once, and nothing is lost`,
  async () => {
    await using registry = await startServedRegistry();
    await using scratch = await scratchFolder();
    const store = scratch.at("store");
    const env = { SATCHEL_INSECURE_REGISTRIES: registry.host };
    const images = Array.from(
      { length: IMAGES },
      (_, at) => makeGadget({ seed: `image ${at}`, layerSize: 20_000, layers: 6 }),
    );
    for (const [at, image] of images.entries()) {
      await pushImage(
        registry,
        `demo/${at}`,
        attachmentTag(image.root.digest, ".sig"),
        makeCosignSignature(image.root),
      );
      for (let each = at; each < PROCESSES; each += IMAGES) await pushImage(registry, `demo/${at}`, `v${each}`, image);
    }
    const satchelDoes = (...args: string[]) => satchelSucceeds(args, { store, env });

    /** Most names go, so that images vanish for good while others need what they consist of. */
    const keeps = (each: number, round: number) => each % 2 === 1 && round === ROUNDS - 1;

    /** Everybody removes again and again what somebody else is just pulling under another name. */
    const busy = async (each: number) => {
      const at = each % images.length;
      const pulled = `${registry.host}/demo/${at}:v${each}`;
      for (let round = 0; round < ROUNDS; round++) {
        await satchelDoes("image", "pull", pulled);
        await satchelDoes("image", "tag", pulled, `mine${each}:${round}`);
        await satchelDoes("image", "remove", pulled);
        if (keeps(each, round)) continue;
        await satchelDoes("image", "remove", `mine${each}:${round}`);
        if (each % 8 === 0) await satchelDoes("store", "gc");
        if (each % 8 === 1) await satchelDoes("image", "list");
      }
    };
    let isDone = false;
    const rewriting = rewriteInPlace(store, () => isDone);
    const outcomes = await Promise.allSettled(Array.from({ length: PROCESSES }, (_, each) => busy(each)));
    isDone = true;
    await rewriting;
    assert.deepEqual(outcomes.flatMap((outcome) => outcome.status === "rejected" ? outcome.reason.message : []), []);

    const check = await satchel(["store", "check", "-o", "json"], { store, env });
    assert.equal(check.code, 0, describe(check));
    const expected: string[] = [];
    for (let each = 0; each < PROCESSES; each++) {
      const { digest } = images[each % IMAGES].root;
      if (keeps(each, ROUNDS - 1)) expected.push(`mine${each}:${ROUNDS - 1} ${digest}`);
    }
    const listed = JSON.parse(await satchelDoes("image", "list", "-o", "json"));
    assert.deepEqual(
      listed.map((image: Record<string, string>) => `${image.Repository}:${image.Tag} ${image.Digest}`).sort(),
      expected.sort(),
    );
  },
);

/** ig rewrites the index in place, under the lock: a reader without it may see the half. */
async function rewriteInPlace(store: string, isDone: () => boolean): Promise<void> {
  const rewrite = 'cp "$0/index.json" "$0/copy" && cat "$0/copy" > "$0/index.json"; rm -f "$0/copy"';
  while (!isDone()) {
    // The store and its index are made by the first pull.
    await run("sh", ["-c", `[ -f "$0/index.json" ] && flock "$0/index.json.lock" sh -c '${rewrite}' "$0"`, store]);
  }
}
