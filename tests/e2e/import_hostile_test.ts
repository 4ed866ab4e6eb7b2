import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { relative } from "node:path";
import { gzipSync } from "node:zlib";
import {
  binary,
  describe,
  makeGadget,
  type Outcome,
  peerTest,
  run,
  satchel,
  satchelEnvironment,
  type Scratch,
  scratchFolder,
  succeed,
} from "../harness/mod.ts";
import { blobAt, exists, FULL, gadgetArchive, importInto, listed, pack } from "./import_archives.ts";

/** An error that matches, and not even a store. */
function refused(scratch: Scratch, outcome: Outcome, code: number, message: RegExp) {
  assert.deepEqual([outcome.code, outcome.stdout], [code, ""], describe(outcome));
  assert.match(outcome.stderr, message);
  assert.ok(!exists(scratch.at("store", "index.json")), "there is a store");
}

/** Imports what a shell command writes, out of a pipe. */
async function importFrom(scratch: Scratch, command: string): Promise<Outcome> {
  const env = { ...satchelEnvironment(scratch.at("store"), scratch.path), TMPDIR: scratch.path };
  const script = `set -o pipefail; ${command} | "$0" image import -`;
  return await run("bash", ["-c", script, await binary()], { env, cwd: scratch.path });
}

Deno.test("an entry with an absolute path that matters is refused, any other passed over, and neither is written", async () => {
  for (const isPiped of [false, true]) {
    await using scratch = await scratchFolder();
    const { image } = await gadgetArchive(scratch);
    const outside = scratch.at("outside");
    await Deno.writeTextFile(outside, "not yours");
    await succeed("tar", ["-P", "-rf", scratch.at("x.tar"), outside]);
    await Deno.writeTextFile(outside, "still mine");
    const outcome = isPiped ? await importFrom(scratch, "cat x.tar") : await importInto(scratch, "x.tar");
    assert.equal(outcome.code, 0, describe(outcome));
    assert.match(outcome.stderr, /^Warning: In .*is passed over: ".*\/outside", since its path is absolute$/m);
    assert.deepEqual(await listed(scratch), { [FULL]: image.root.digest });
    assert.equal(await Deno.readTextFile(outside), "still mine");
  }
  for (const isPiped of [false, true]) {
    await using scratch = await scratchFolder();
    const { folder } = await gadgetArchive(scratch);
    const archive = await pack(scratch, folder, "x.tar", "-P", "--transform", "s,^oci-layout,/oci-layout,");
    const outcome = isPiped ? await importFrom(scratch, "cat x.tar") : await importInto(scratch, archive);
    refused(scratch, outcome, 5, /"\/oci-layout" in .* cannot be read: its path is absolute/);
  }
});

for (const [what, change] of [["lost its end", "head -c -100"], ["lost a bit", undefined]] as const) {
  peerTest("bash", `an archive whose zstd has ${what} is damaged, out of a file and out of a pipe`, async () => {
    await using scratch = await scratchFolder();
    const { folder } = await gadgetArchive(scratch, FULL, makeGadget({ layerSize: 300_000 }));
    await pack(scratch, folder, "plain.tar");
    await succeed("bash", ["-c", `zstd -q --check < plain.tar | ${change ?? "cat"} > x.tar`], { cwd: scratch.path });
    if (!change) {
      const bytes = await Deno.readFile(scratch.at("x.tar"));
      bytes[Math.floor(bytes.length / 2)] ^= 1;
      await Deno.writeFile(scratch.at("x.tar"), bytes);
    }
    for (const outcome of [await importInto(scratch, "x.tar"), await importFrom(scratch, "cat x.tar")]) {
      assert.ok([1, 5].includes(outcome.code), describe(outcome));
      assert.equal(outcome.stdout, "");
      assert.match(outcome.stderr, /^Error: importing images: .*(damaged|ends|other bytes)/);
      assert.deepEqual(await listed(scratch), {});
      assert.equal((await satchel(["store", "check"], { store: scratch.at("store") })).code, 0);
    }
  });
}

/** What `docker save` wrote once: a folder for each layer, and links to those that an image before has. */
async function oldDockerSave(scratch: Scratch, target: string): Promise<string> {
  const folder = scratch.at("docker");
  const layer = new TextEncoder().encode("a layer of two images\n".repeat(100));
  const diffId = `sha256:${createHash("sha256").update(layer).digest("hex")}`;
  const list: unknown[] = [];
  for (const id of ["a", "b"].map((letter) => letter.repeat(64))) {
    await Deno.mkdir(`${folder}/${id}`, { recursive: true });
    await Deno.writeTextFile(`${folder}/${id}/VERSION`, "1.0");
    await Deno.writeTextFile(`${folder}/${id}/json`, JSON.stringify({ id }));
    const config = JSON.stringify({
      architecture: "amd64",
      os: "linux",
      id,
      rootfs: { type: "layers", diff_ids: [diffId] },
    });
    const name = `${createHash("sha256").update(config).digest("hex")}.json`;
    await Deno.writeTextFile(`${folder}/${name}`, config);
    list.push({ Config: name, RepoTags: [`example.org/old/${id[0]}:v1`], Layers: [`${id}/layer.tar`] });
  }
  await Deno.writeFile(`${folder}/${"a".repeat(64)}/layer.tar`, layer);
  await Deno.symlink(target, `${folder}/${"b".repeat(64)}/layer.tar`);
  await Deno.writeTextFile(`${folder}/manifest.json`, JSON.stringify(list));
  await Deno.writeTextFile(`${folder}/repositories`, "{}");
  return await pack(scratch, folder);
}

for (const isPiped of [false, true]) {
  const way = isPiped ? "a pipe" : "a file";
  Deno.test(`docker save of old, with links to layers, out of ${way}: both images have the layer`, async () => {
    await using scratch = await scratchFolder();
    await oldDockerSave(scratch, `../${"a".repeat(64)}/layer.tar`);
    const outcome = isPiped ? await importFrom(scratch, "cat x.tar") : await importInto(scratch, "x.tar");
    assert.equal(outcome.code, 0, describe(outcome));
    assert.equal(outcome.stderr, "");
    assert.deepEqual(Object.keys(await listed(scratch)).sort(), ["example.org/old/a:v1", "example.org/old/b:v1"]);
    const check = await satchel(["store", "check"], { store: scratch.at("store") });
    assert.equal(check.code, 0, describe(check));
  });

  for (const target of ["/etc/hostname", "../../../../../../../../etc/hostname", "../../docker/manifest.json"]) {
    Deno.test(`docker save of old out of ${way}: a link to ${target} leads nowhere`, async () => {
      await using scratch = await scratchFolder();
      await oldDockerSave(scratch, target);
      const outcome = isPiped ? await importFrom(scratch, "cat x.tar") : await importInto(scratch, "x.tar");
      refused(scratch, outcome, 5, /layer\.tar in .*, listed in manifest\.json, is not there/);
    });
  }
}

/** A header of a tar whose file has a terabyte. */
function terabyte(path: string): Uint8Array {
  const block = new Uint8Array(512);
  const put = (text: string, at: number) => block.set(new TextEncoder().encode(text), at);
  put(path, 0);
  put("0000644\x000000000\x000000000\0", 100);
  // Base-256, as GNU tar writes sizes of more than 8 GiB.
  block[124] = 0x80;
  new DataView(block.buffer).setBigUint64(128, 2n ** 40n);
  put("00000000000\0        0", 136);
  put("ustar\x0000", 257);
  put(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0`, 148);
  return block;
}

/** The most memory that a process has had so far, in bytes; `undefined` if it has ended. */
async function peakOf(pid: number): Promise<number | undefined> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

const MEMBER = 64 * 1024 * 1024;

Deno.test("a gzip that inflates to a terabyte is refused early, and costs neither disk nor memory", async () => {
  await using scratch = await scratchFolder();
  await Deno.mkdir(scratch.at("spool"));
  const { folder, image } = await gadgetArchive(scratch);
  // In the order that is read in one pass.
  const list = [
    "oci-layout",
    "index.json",
    ...image.manifests.map(({ digest }) => relative(folder, blobAt(folder, digest))),
  ];
  await succeed("tar", ["-cf", scratch.at("x.tar"), "--blocking-factor=1", "-C", folder, ...list]);
  const tar = (await Deno.readFile(scratch.at("x.tar"))).subarray(0, -1024);
  const start = gzipSync(concat(tar, terabyte(`blobs/sha256/${"0".repeat(64)}`)));
  const zeros = gzipSync(new Uint8Array(MEMBER), { level: 9 });
  const child = new Deno.Command(await binary(), {
    args: ["image", "import", "-"],
    clearEnv: true,
    env: { ...satchelEnvironment(scratch.at("store"), scratch.path), TMPDIR: scratch.at("spool") },
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const output = new Response(child.stderr).text();
  const writer = child.stdin.getWriter();
  let peak = 0;
  let written = 0;
  try {
    for (await writer.write(start); written < 2 ** 40 / MEMBER; written++) {
      await writer.write(zeros);
      peak = await peakOf(child.pid) ?? peak;
    }
  } catch {
    // It reads no more.
  }
  await writer.abort().catch(() => {});
  const { code } = await child.status;
  assert.equal(code, 5, await output);
  assert.match(await output, /stdin inflates to more than its images need: \d+ bytes of it have become \d+\nHint: /);
  assert.ok(written * MEMBER < 8 * 1024 ** 3, `${written * MEMBER} bytes were inflated`);
  assert.ok(peak > 0 && peak < 150 * 1024 * 1024, `${peak} bytes of memory`);
  assert.deepEqual(await listed(scratch), {});
  assert.deepEqual([...Deno.readDirSync(scratch.at("spool"))], []);
});

function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}
