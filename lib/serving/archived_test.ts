import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Entry, type Files, layoutOf } from "../archive/_testing_layout.ts";
import { tarOf } from "../archive/_testing_tar.ts";
import { fallbackTag, MemoryRepository } from "../content/mod.ts";
import { type Digest, digestHex, formatRepository, parseReference } from "../oci/mod.ts";
import type { ServedBlob } from "../server/mod.ts";
import { makeAttachment, makeImage } from "../store/_testing.ts";
import { type ArchivedOptions, openArchives } from "./archived.ts";

function scratch() {
  const folder = mkdtempSync(join(tmpdir(), "satchel-served-"));
  return {
    folder,
    at: (name: string) => join(folder, name),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

function told() {
  const warnings: string[] = [];
  const status: string[] = [];
  const damaged: string[] = [];
  const options = (folder: string): ArchivedOptions => ({
    spoolFolder: folder,
    onWarning: (text) => warnings.push(text),
    onStatus: (text) => status.push(text),
    onDamaged: ({ message }) => damaged.push(message),
  });
  return { warnings, status, damaged, options };
}

/** An image with a signature and a note, as an archive has it. */
function signedImage(name = "foo") {
  const source = new MemoryRepository();
  const image = makeImage(source, name);
  const tag = `${fallbackTag(image.index.digest)}.sig`;
  const signature = makeAttachment(source, image.index, "signature", tag);
  const note = makeAttachment(source, image.index, "note");
  // Longer than a volume of the tests.
  const large = source.add("application/octet-stream", "0123456789".repeat(200));
  const entries: Entry[] = [[image.index, `ghcr.io/team/${name}:v1`], [signature, tag], [note]];
  return { source, ...image, tag, signature, note, large, files: layoutOf(source, entries) };
}

function tarBytes(files: Files): Uint8Array {
  return tarOf([...files].map(([path, content]) => ({ path, content })));
}

function writeFolder(folder: string, files: Files): void {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
}

async function bytesOf(blob: ServedBlob | undefined, offset = 0, length = blob?.size ?? 0): Promise<string> {
  assert.ok(blob, "it is there");
  const chunks: Uint8Array[] = [];
  if (typeof blob.bytes === "function") { for await (const chunk of blob.bytes(offset, length)) chunks.push(chunk); }
  else chunks.push(Deno.readFileSync(blob.bytes.path).subarray(blob.bytes.offset + offset).subarray(0, length));
  return new TextDecoder().decode(Uint8Array.from(chunks.flatMap((each) => [...each])));
}

const at = (name: string) => parseReference(name);

Deno.test("an archive is served out of its file, its folder, its volumes, or what it is compressed to", async () => {
  using made = scratch();
  const image = signedImage();
  const tar = tarBytes(image.files);
  writeFileSync(made.at("x.tar"), tar);
  writeFolder(made.at("folder"), image.files);
  for (let part = 0; part * 700 < tar.length; part++) {
    writeFileSync(made.at(`v.tar.${String(part + 1).padStart(3, "0")}`), tar.subarray(part * 700, (part + 1) * 700));
  }
  writeFileSync(made.at("x.tar.gz"), gzipSync(tar));
  symlinkSync("x.tar", made.at("link.tar"));
  for (const name of ["x.tar", "folder", "v.tar.001", "v.tar", "x.tar.gz", "link.tar"]) {
    const { options, warnings, status } = told();
    await using served = await openArchives([made.at(name)], options(made.folder));
    const { repositories } = served;
    assert.deepEqual((await repositories.list()).map(formatRepository), ["ghcr.io/team/foo"]);
    const repository = repositories.at(at("team/foo"));
    assert.deepEqual(await repository.tags(), [image.tag, "v1"]);
    assert.deepEqual((await repository.manifest("v1"))?.descriptor, image.index);
    assert.deepEqual((await repository.manifest(image.tag))?.descriptor, image.signature);
    assert.equal(await repository.manifest("v2"), undefined);
    for (const each of [...image.manifests, image.note]) {
      assert.deepEqual((await repository.manifest(each.digest))?.descriptor, each);
    }
    for (const { digest } of [image.config, ...image.layers, image.large]) {
      const expected = new TextDecoder().decode(image.source.contents.get(digest)!.bytes);
      const blob = await repository.blob(digest);
      assert.equal(await bytesOf(blob), expected, name);
      assert.equal(await bytesOf(blob, 2, 4), expected.slice(2, 6), name);
      assert.equal(await bytesOf(blob, expected.length, 0), "");
    }
    assert.deepEqual((await repository.referrers(image.index.digest)).map(({ digest }) => digest), [image.note.digest]);
    assert.equal(await repository.blob(`sha256:${"0".repeat(64)}`), undefined);
    assert.deepEqual(warnings, []);
    assert.deepEqual(status.map((text) => /is compressed/.test(text)), name === "x.tar.gz" ? [true] : []);
  }
});

Deno.test("an image keeps the name that an import would give it; one without is served by its digest", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  const [foo, bar] = [makeImage(source, "foo").index, makeImage(source, "bar").index];
  writeFileSync(made.at("x.tar"), tarBytes(layoutOf(source, [[foo, "ghcr.io/team/foo:v1"], [bar, "latest"]])));
  writeFileSync(made.at("y.tar"), tarBytes(layoutOf(source, [[bar, "latest"]])));
  const { options, warnings } = told();
  await using served = await openArchives([made.at("x.tar")], options(made.folder));
  assert.deepEqual((await served.repositories.list()).map(formatRepository), ["ghcr.io/team/foo"]);
  assert.equal((await served.repositories.at(at("team/foo")).manifest(bar.digest))?.descriptor.digest, bar.digest);
  assert.match(
    warnings[0],
    /"latest" in .*x\.tar is not a full name of an image; it can be pulled by its digest alone/,
  );
  await assert.rejects(() => openArchives([made.at("y.tar")], options(made.folder)), (error: Error) => {
    assert.match(error.message, /"latest" in .*y\.tar is not a full name/);
    return true;
  });
});

Deno.test("several archives are one; of a name that two have, the first one counts", async () => {
  using made = scratch();
  const [foo, bar] = [signedImage("foo"), signedImage("bar")];
  const other = new MemoryRepository();
  const moved = makeImage(other, "moved").index;
  writeFileSync(made.at("foo.tar"), tarBytes(foo.files));
  writeFileSync(made.at("bar.tar"), tarBytes(bar.files));
  writeFileSync(made.at("moved.tar"), tarBytes(layoutOf(other, [[moved, "ghcr.io/team/foo:v1"]])));
  const { options, warnings } = told();
  const paths = ["foo.tar", "bar.tar", "moved.tar", "foo.tar"].map(made.at);
  await using served = await openArchives(paths, options(made.folder));
  const { repositories } = served;
  assert.deepEqual((await repositories.list()).map(formatRepository), ["ghcr.io/team/bar", "ghcr.io/team/foo"]);
  assert.deepEqual((await repositories.at(at("team/foo")).manifest("v1"))?.descriptor, foo.index);
  assert.deepEqual((await repositories.at(at("team/foo")).manifest(moved.digest))?.descriptor, moved);
  assert.equal((await repositories.at(at("team/foo")).blob(bar.config.digest))?.size, bar.config.size);
  assert.equal((await repositories.at(at("team/bar")).referrers(foo.index.digest)).length, 1);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /team\/foo:v1 is in .*foo\.tar and, with another digest, in .*moved\.tar/);
});

Deno.test("what is damaged in an archive is not sent, unless another archive has it whole", async () => {
  using made = scratch();
  const image = signedImage();
  const broken = new Map(image.files);
  for (const { digest } of [image.config, image.note]) {
    const path = `blobs/sha256/${digestHex(digest)}`;
    const bytes = broken.get(path)!.slice();
    bytes[0] ^= 1;
    broken.set(path, bytes);
  }
  const tar = tarBytes(broken);
  writeFileSync(made.at("broken.tar"), tar);
  writeFileSync(made.at("broken.tar.gz"), gzipSync(tar));
  writeFileSync(made.at("whole.tar"), tarBytes(image.files));
  for (const name of ["broken.tar", "broken.tar.gz"]) {
    const { options } = told();
    await using served = await openArchives([made.at(name)], options(made.folder));
    const repository = served.repositories.at(at("team/foo"));
    await assert.rejects(() => repository.blob(image.config.digest), { code: "integrity" });
    await assert.rejects(() => repository.manifest(image.note.digest), { code: "integrity" });
    await using both = await openArchives([made.at(name), made.at("whole.tar")], options(made.folder));
    assert.ok(await both.repositories.at(at("team/foo")).blob(image.config.digest));
    assert.ok(await both.repositories.at(at("team/foo")).manifest(image.note.digest));
  }
});

Deno.test("an archive that is exchanged while it is served is never sent under the old digests", async () => {
  using made = scratch();
  const [image, other] = [signedImage("foo"), signedImage("bar")];
  writeFileSync(made.at("x.tar"), tarBytes(image.files));
  const { options } = told();
  await using served = await openArchives([made.at("x.tar")], options(made.folder));
  const repository = served.repositories.at(at("team/foo"));
  assert.ok(await repository.blob(image.config.digest));
  writeFileSync(made.at("new.tar"), tarBytes(other.files));
  renameSync(made.at("new.tar"), made.at("x.tar"));
  await assert.rejects(() => repository.blob(image.config.digest), { code: "integrity" });
  assert.deepEqual((await repository.manifest("v1"))?.descriptor, image.index, "it is still open");
});

Deno.test("what an archive has left out is not there", async () => {
  using made = scratch();
  const image = signedImage();
  const thin = new Map([...image.files].filter(([path]) => !path.endsWith(digestHex(image.layers[0].digest))));
  writeFileSync(made.at("thin.tar"), tarBytes(thin));
  await using served = await openArchives([made.at("thin.tar")], told().options(made.folder));
  const repository = served.repositories.at(at("team/foo"));
  assert.ok(await repository.manifest("v1"));
  assert.equal(await repository.blob(image.layers[0].digest as Digest), undefined);
  assert.ok(await repository.blob(image.layers[1].digest));
});
