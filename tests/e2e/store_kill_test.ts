import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import {
  attachmentTag,
  binary,
  describe,
  makeCosignSignature,
  makeGadget,
  pushImage,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  scratchFolder,
  startServedRegistry,
} from "../harness/mod.ts";
import { runAndKill } from "./kill.ts";

const KILLS = 120;
const NAMES = 4;

/** The digest that a name may have; `undefined`: it is not there. */
type Digest = string | undefined;

/** A command, and what it makes of a name. */
interface Step {
  args: string[];
  name?: string;
  after?: Digest;
}

Deno.test(`after each of ${KILLS} kill -9 at random moments the store is whole and keeps what was done`, async () => {
  await using registry = await startServedRegistry();
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  const digests: string[] = [];
  for (let at = 0; at < NAMES; at++) {
    // Some with large parts, some with many, so that a kill may come in every phase of a pull.
    const image = makeGadget(at < 2 ? { layerSize: 3_000_000, layers: 2 } : { layerSize: 2_000, layers: 40 });
    await pushImage(registry, `demo/${at}`, "v1", image);
    await pushImage(
      registry,
      `demo/${at}`,
      attachmentTag(image.root.digest, ".sig"),
      makeCosignSignature(image.root),
    );
    digests.push(image.root.digest);
  }
  const nameOf = (at: number) => `${registry.host}/demo/${at}:v1`;
  const copyOf = (at: number) => `${registry.host}/copy/${at}:v1`;
  const env = { ...satchelEnvironment(store, scratch.path), SATCHEL_INSECURE_REGISTRIES: registry.host };
  const program = await binary();

  /** What is certain: each name with the digests that it may have. */
  const known = new Map<string, Digest[]>();
  const valuesOf = (name: string) => known.get(name) ?? [undefined];

  /** What can be done now, with what it makes of the names. */
  const possible = (): Step[] =>
    digests.flatMap((digest, at): Step[] => {
      const [name, copy] = [nameOf(at), copyOf(at)];
      const [isThere, isCopied] = [name, copy].map((each) => valuesOf(each)[0] !== undefined);
      const steps: Step[] = [{ args: ["store", "gc", "--min-age", "0s", "--untagged"] }];
      if (isThere) steps.push({ args: ["image", "tag", name, copy], name: copy, after: digest });
      if (isThere) steps.push({ args: ["image", "remove", name], name });
      if (isCopied) steps.push({ args: ["image", "remove", copy], name: copy });
      if (!isThere) {
        for (let times = 0; times < 3; times++) steps.push({ args: ["image", "pull", name], name, after: digest });
      }
      return steps;
    });

  /** How long each command takes, in milliseconds: a kill later than that would come too late. */
  const usual = new Map<string, number>();
  let killed = 0;
  for (let round = 0; killed < KILLS; round++) {
    assert.ok(round < 4 * KILLS, `only ${killed} of ${round} commands were still running when they were killed`);
    const steps = possible();
    const { args, name, after } = steps[Math.floor(Math.random() * steps.length)];
    const verb = args[1];
    // Rather late than early: the program has to start first.
    const outcome = await runAndKill(program, args, env, Math.sqrt(Math.random()) * (usual.get(verb) ?? 60));
    if (outcome.wasKilled) {
      killed++;
      if (name !== undefined) known.set(name, [...valuesOf(name), after]);
    } else {
      assert.equal(outcome.code, 0, `${args.join(" ")}: ${describe(outcome)}`);
      usual.set(verb, outcome.ms);
      if (name !== undefined) known.set(name, [after]);
    }
    await assertWhole();
  }

  for (let at = 0; at < NAMES; at++) await satchelSucceeds(["image", "pull", nameOf(at)], { store, env });
  await satchelSucceeds(["store", "gc", "--min-age", "0s", "--untagged"], { store, env });
  const report = JSON.parse(await satchelSucceeds(["store", "check", "-o", "json"], { store, env }));
  assert.deepEqual([report.damage, report.garbage], [[], []]);
  assert.deepEqual(readdirSync(scratch.at("store", "ingest")), []);

  /** Everything that is named can be read in full, and every name stands for what it may. */
  async function assertWhole() {
    const check = await satchel(["store", "check", "-o", "json"], { store, env });
    assert.equal(check.code, 0, describe(check));
    const listed = new Map<string, string>();
    for (const image of JSON.parse(await satchelSucceeds(["image", "list", "-o", "json"], { store, env }))) {
      listed.set(`${image.Repository}:${image.Tag}`, image.Digest);
    }
    for (const [name, possible] of known) {
      assert.ok(possible.includes(listed.get(name)), `${name} is ${listed.get(name)}, not one of ${possible}`);
      known.set(name, [listed.get(name)]);
    }
  }
});
