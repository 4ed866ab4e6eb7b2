import assert from "node:assert/strict";
import {
  attachmentTag,
  binary,
  describe,
  makeCosignSignature,
  makeGadget,
  peer,
  peerTest,
  pushImage,
  run,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  scratchFolder,
  startServedRegistry,
} from "../harness/mod.ts";

/** The calls by which a store changes. strace counts each of them by itself. */
const CALLS = ["rename", "unlink", "fsync", "fdatasync", "chmod", "pwrite64"];

/** More calls of a kind than any of the commands makes. */
const MOST = 100;

peerTest(
  "strace",
  "pull, tag and remove may be killed before any call that changes a file, and the store is whole",
  async () => {
    await using registry = await startServedRegistry();
    await using scratch = await scratchFolder();
    const image = makeGadget();
    await pushImage(registry, "demo/gadget", "v1", image);
    await pushImage(registry, "demo/gadget", attachmentTag(image.root.digest, ".sig"), makeCosignSignature(image.root));
    const name = `${registry.host}/demo/gadget:v1`;
    const env = { SATCHEL_INSECURE_REGISTRIES: registry.host };
    const program = await binary();

    /** Kills the command before its first, second, ... such call, until there is no more; how many there were. */
    const killBefore = async (call: string, args: string[], prepare: (store: string) => Promise<void>) => {
      for (let at = 1; at <= MOST; at++) {
        const store = scratch.at(`${args[1]}-${call}-${at}`);
        await prepare(store);
        const inject = `inject=${call}:signal=SIGKILL:when=${at}`;
        const outcome = await run(peer("strace"), ["-f", "-qq", "-o", "/dev/null", "-e", inject, program, ...args], {
          env: { ...satchelEnvironment(store, scratch.path), ...env },
        });
        const check = await satchel(["store", "check", "-o", "json"], { store, env });
        assert.equal(check.code, 0, `killed before ${call} ${at} of ${args.join(" ")}: ${describe(check)}`);
        if (outcome.code === 0) return at - 1;
      }
      throw new Error(`${args.join(" ")} calls ${call} more than ${MOST} times`);
    };
    const killEverywhere = async (args: string[], prepare: (store: string) => Promise<void>) => {
      const counts: number[] = [];
      for (const call of CALLS) counts.push(await killBefore(call, args, prepare));
      return counts.reduce((sum, count) => sum + count, 0);
    };
    const pulled = async (store: string) => void await satchelSucceeds(["image", "pull", name], { store, env });

    assert.ok(await killEverywhere(["image", "pull", name], () => Promise.resolve()) > 10);
    assert.ok(await killEverywhere(["image", "tag", name, "other"], pulled) > 3);
    assert.ok(await killEverywhere(["image", "remove", name], pulled) > 10);
  },
);
