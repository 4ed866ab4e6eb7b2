import assert from "node:assert/strict";
import { dirname } from "node:path";
import { scratchFolder } from "../../../tests/harness/mod.ts";
import { findKernels } from "./btfhub.ts";

async function kernelsOf(paths: readonly string[], archive = "archive"): Promise<string[]> {
  await using scratch = await scratchFolder();
  await Deno.mkdir(scratch.at(archive), { recursive: true });
  for (const path of paths) {
    await Deno.mkdir(dirname(scratch.at(archive, path)), { recursive: true });
    await Deno.writeTextFile(scratch.at(archive, path), "");
  }
  return findKernels(scratch.at(archive)).map(({ architecture, path }) => `${architecture} ${path}`);
}

Deno.test("kernels are found below the folders that are named for their architecture", async () => {
  const paths = [
    "ubuntu/20.04/x86_64/5.4.0-42-generic.btf.tar.xz",
    "ubuntu/20.04/arm64/5.4.0-42-generic.btf.tar.xz",
    "amazon/2/aarch64/4.14.1.btf.tar.xz",
    "ubuntu/20.04/x86_64/README.md",
    "ubuntu/20.04/x86_64/5.4.0-43-generic.btf",
    "fedora/x86_64.btf.tar.xz",
  ];
  assert.deepEqual(await kernelsOf(paths), [
    "arm64 amazon/2/aarch64/4.14.1.btf.tar.xz",
    "arm64 ubuntu/20.04/arm64/5.4.0-42-generic.btf.tar.xz",
    "amd64 ubuntu/20.04/x86_64/5.4.0-42-generic.btf.tar.xz",
  ]);
});

Deno.test("a name of an architecture above the archive, or as a part of another name, does not count", async () => {
  const paths = ["x86_64/1.btf.tar.xz", "arm64/2.btf.tar.xz", "x86_64-old/3.btf.tar.xz"];
  const expected = ["arm64 arm64/2.btf.tar.xz", "amd64 x86_64/1.btf.tar.xz"];
  assert.deepEqual(await kernelsOf(paths, "arm64/builds-x86_64/archive"), expected);
  assert.deepEqual(await kernelsOf(["1.btf.tar.xz"], "ubuntu/x86_64"), ["amd64 1.btf.tar.xz"]);
});

Deno.test("of two kernels of one release the last one counts", async () => {
  const paths = ["b/x86_64/4.15.btf.tar.xz", "a/x86_64/4.15.btf.tar.xz"];
  assert.deepEqual(await kernelsOf(paths), ["amd64 b/x86_64/4.15.btf.tar.xz"]);
});

Deno.test("links are not followed, and an archive that is not there is told", async () => {
  await using scratch = await scratchFolder();
  await Deno.mkdir(scratch.at("a/x86_64"), { recursive: true });
  await Deno.symlink(scratch.at("a"), scratch.at("a/x86_64/loop"));
  await Deno.symlink("/etc/passwd", scratch.at("a/x86_64/1.btf.tar.xz"));
  assert.deepEqual(findKernels(scratch.at("a")), []);
  assert.throws(() => findKernels(scratch.at("none")), /cannot read the folder .*it does not exist/);
});

Deno.test("folders that are nested without end are refused", async () => {
  await assert.rejects(kernelsOf([`${"d/".repeat(20)}1.btf.tar.xz`]), /nested too deep/);
});
