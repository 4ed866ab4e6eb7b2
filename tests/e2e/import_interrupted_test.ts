import assert from "node:assert/strict";
import { join } from "node:path";
import {
  binary,
  capabilityTest,
  describe,
  type Image,
  makeGadget,
  run,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  succeed,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";
import { openTerminal, screenOf } from "./cli_terminal.ts";
import { FULL, importInto, listed, pack, writeLayout } from "./import_archives.ts";

/** More than is spooled in memory. */
const LARGE = 20_000_000;

/** The name of a small image, which comes before {@link FULL}. */
const SMALL = "example.org/a/a:v1";

/** Archives of a large image: with its list first, as satchel writes it, and with blobs first, as tar packs a folder. */
const ORDERS: Readonly<Record<string, (scratch: Scratch, image: Image) => Promise<string>>> = {
  "that is read in one pass": async (scratch, image) => {
    await writeStore(scratch.at("near"), [{ image, name: FULL }]);
    await satchelSucceeds(["image", "export", FULL, scratch.at("x.tar")], { store: scratch.at("near") });
    return scratch.at("x.tar");
  },
  "that is spooled": async (scratch, image) =>
    await pack(scratch, await writeLayout(scratch, [{ image, name: FULL }]), "x.tar"),
};

/** A FIFO that an archive comes out of, but not to its end. */
interface HalfFed extends AsyncDisposable {
  path: string;
  /** Writes all but the last part, which the pipe cannot hold: then the reader has read most of it. */
  feed(): Promise<void>;
}

async function halfFed(scratch: Scratch, archive: string): Promise<HalfFed> {
  const path = scratch.at("fifo");
  await succeed("mkfifo", [path]);
  const bytes = await Deno.readFile(archive);
  const part = bytes.subarray(0, Math.floor(bytes.length * 0.9));
  let fifo: Deno.FsFile | undefined;
  return {
    path,
    async feed() {
      fifo = await Deno.open(path, { write: true });
      for (let at = 0; at < part.length;) at += await fifo.write(part.subarray(at));
    },
    [Symbol.asyncDispose]() {
      fifo?.close();
      return Promise.resolve();
    },
  };
}

function environment(scratch: Scratch): Record<string, string> {
  return { ...satchelEnvironment(scratch.at("store"), scratch.path), TMPDIR: scratch.at("spool") };
}

/** What an interrupted import leaves: a whole store without the name, and nothing beside it. */
async function assertGoesOn(scratch: Scratch, archive: string, { root }: Image): Promise<void> {
  const check = await satchel(["store", "check", "-o", "json"], { store: scratch.at("store") });
  assert.equal(check.code, 0, describe(check));
  assert.deepEqual(await listed(scratch), {});
  assert.deepEqual([...Deno.readDirSync(scratch.at("spool"))], []);
  const again = await importInto(scratch, archive);
  assert.equal(again.code, 0, describe(again));
  assert.deepEqual(await listed(scratch), { [FULL]: root.digest });
}

for (const [what, make] of Object.entries(ORDERS)) {
  Deno.test(`SIGINT in the middle of an archive ${what}: status 130, the store whole, nothing left behind`, async () => {
    await using scratch = await scratchFolder();
    await Deno.mkdir(scratch.at("spool"));
    const image = makeGadget({ layerSize: LARGE, architectures: ["amd64"] });
    const archive = await make(scratch, image);
    {
      await using pipe = await halfFed(scratch, archive);
      const importing = new Deno.Command(await binary(), {
        args: ["image", "import", pipe.path],
        clearEnv: true,
        env: environment(scratch),
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      await pipe.feed();
      importing.kill("SIGINT");
      const { code, stderr } = await importing.output();
      const text = new TextDecoder().decode(stderr);
      assert.equal(code, 130, text);
      const [error, hint] = text.split("\n");
      assert.equal(error, "Error: importing images: interrupted");
      // What is spooled is not in the store yet.
      const kept = what.includes("spooled")
        ? ""
        : "Hint: What has arrived is kept: the same command goes on from there.";
      assert.equal(hint, kept);
    }
    await assertGoesOn(scratch, archive, image);
  });
}

Deno.test("an import on a terminal shows how far it is, and Ctrl-C takes that away", async () => {
  await using scratch = await scratchFolder();
  await Deno.mkdir(scratch.at("spool"));
  const image = makeGadget({ layerSize: LARGE, architectures: ["amd64"] });
  const archive = await ORDERS["that is read in one pass"](scratch, image);
  {
    await using pipe = await halfFed(scratch, archive);
    const feeding = pipe.feed();
    const { NO_COLOR: _, ...env } = environment(scratch);
    await using terminal = openTerminal(`${await binary()} image import ${pipe.path}`, env);
    await feeding;
    await terminal.waitFor(/Importing .*\b[89]\d% .* MB\/20 MB/);
    await terminal.type("\x03");
    assert.equal(await terminal.status, 130);
    assert.deepEqual(screenOf(terminal.output.replaceAll("^C", "")), [
      "Error: importing images: interrupted",
      "Hint: What has arrived is kept: the same command goes on from there.",
    ]);
  }
  await assertGoesOn(scratch, archive, image);
});

Deno.test("an import on a terminal leaves nothing of its bar behind", async () => {
  await using scratch = await scratchFolder();
  await Deno.mkdir(scratch.at("spool"));
  const archive = await ORDERS["that is read in one pass"](scratch, makeGadget({ layerSize: LARGE }));
  const { NO_COLOR: _, ...env } = environment(scratch);
  await using terminal = openTerminal(`${await binary()} image import ${archive}`, env);
  assert.equal(await terminal.status, 0);
  assert.deepEqual(screenOf(terminal.output), ["Successfully imported images:", `  ${FULL}`]);
});

/** Two images, the first small and the second one too large for where they go. */
async function twoImages(scratch: Scratch): Promise<string> {
  const entries = [
    { image: makeGadget(), name: SMALL },
    { image: makeGadget({ layerSize: LARGE }), name: FULL },
  ];
  return await pack(scratch, await writeLayout(scratch, entries));
}

async function assertEmpty(scratch: Scratch, store: string): Promise<void> {
  const list = JSON.parse(await satchelSucceeds(["image", "list", "-o", "json"], { store }));
  assert.ok(list.every(({ Tag, Repository }: Record<string, string>) => `${Repository}:${Tag}` !== FULL));
  const check = await satchel(["store", "check", "-o", "json"], { store });
  assert.equal(check.code, 0, describe(check));
  assert.deepEqual([...Deno.readDirSync(scratch.at("spool"))], []);
}

capabilityTest("mount", "a full disk ends an import, with the store whole and without the name", async () => {
  await using scratch = await scratchFolder();
  await Deno.mkdir(scratch.at("spool"));
  await Deno.mkdir(scratch.at("small"));
  const archive = await twoImages(scratch);
  await succeed("mount", ["-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", scratch.at("small")]);
  try {
    const store = join(scratch.at("small"), "store");
    for (const source of [archive, "-"]) {
      const command = `exec "$0" image import ${source} < <(cat "$1")`;
      const env = { ...environment(scratch), SATCHEL_STORE: store };
      const outcome = await run("bash", ["-c", command, await binary(), archive], { env });
      assert.equal(outcome.code, 1, describe(outcome));
      assert.match(outcome.stderr, /^Error: importing images: .*: the disk is full\nHint: Free some space/m);
      await assertEmpty(scratch, store);
    }
  } finally {
    await succeed("umount", ["--lazy", scratch.at("small")]);
  }
});

capabilityTest("mount", "a full disk where streams are spooled is told with what helps", async () => {
  await using scratch = await scratchFolder();
  await Deno.mkdir(scratch.at("spool"));
  const archive = await twoImages(scratch);
  await succeed("mount", ["-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", scratch.at("spool")]);
  try {
    const outcome = await run("bash", ["-c", `exec "$0" image import - < <(cat "$1")`, await binary(), archive], {
      env: environment(scratch),
    });
    assert.equal(outcome.code, 1, describe(outcome));
    assert.match(outcome.stderr, /spool/);
    assert.match(outcome.stderr, /^Hint: .*TMPDIR/m);
    assert.deepEqual([...Deno.readDirSync(scratch.at("spool"))], []);
  } finally {
    await succeed("umount", ["--lazy", scratch.at("spool")]);
  }
});

Deno.test("a limit of the size of files ends an import, with the store whole and without the name", async () => {
  await using scratch = await scratchFolder();
  await Deno.mkdir(scratch.at("spool"));
  const archive = await twoImages(scratch);
  const command = `trap '' XFSZ; ulimit -f 2000; exec "$0" image import "$1"`;
  const outcome = await run("bash", ["-c", command, await binary(), archive], { env: environment(scratch) });
  assert.equal(outcome.code, 1, describe(outcome));
  assert.match(outcome.stderr, /^Error: importing images: .*: files there cannot be so large\nHint: /m);
  await assertEmpty(scratch, scratch.at("store"));
});
