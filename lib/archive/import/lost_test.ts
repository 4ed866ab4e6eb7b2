import { strict as assert } from "node:assert";
import { attach, cosignTag, makeImage } from "../../content/_testing.ts";
import { MemoryRepository, type Source, type Target } from "../../content/mod.ts";
import { SatchelError } from "../../error.ts";
import { type Descriptor, digestHex, formatReference, MediaType } from "../../oci/mod.ts";
import { type Entry, type Files, filesOf, layoutOf, passing } from "../_testing_layout.ts";
import { importImages } from "./import.ts";
import type { ImportOptions, ImportTarget } from "./options.ts";
import { nameImages } from "./naming.ts";
import { archiveOf } from "../open.ts";
import { verifyArchive } from "../verify.ts";

const NAMES = ["example.org/a:v1", "example.org/b:v1"];

/** Two images; the first has a signature under a tag, and an SBOM that a fallback index names. */
function attached() {
  const repository = new MemoryRepository();
  const { index, platforms, config } = makeImage(repository);
  const other = repository.addManifest({ mediaType: MediaType.ociManifest, config, layers: [config] });
  const signature = repository.addManifest({ mediaType: MediaType.ociManifest, config, layers: [], annotations: {} });
  const sbom = attach(repository, index, "application/example.sbom");
  const gone = { mediaType: MediaType.ociManifest, digest: `sha256:${"0".repeat(64)}`, size: 100 };
  const fallback = repository.addManifest({ mediaType: MediaType.ociIndex, manifests: [sbom, gone] });
  const entries: Entry[] = [
    [index, NAMES[0]],
    ...platforms.map(({ manifest }): Entry => [manifest]),
    [other, NAMES[1]],
    [signature, cosignTag(index, ".sig")],
    [fallback, cosignTag(index, "")],
    [sbom],
  ];
  return { repository, index, signature, sbom, fallback, files: layoutOf(repository, entries) };
}

const pathOf = ({ digest }: Descriptor) => `blobs/sha256/${digestHex(digest)}`;

async function open(files: Files, stream: boolean) {
  return await archiveOf(stream ? passing(files) : filesOf(files), { spoolFolder: "/nonexistent" });
}

async function damageOf(files: Files, stream: boolean) {
  await using archive = await open(files, stream);
  const { damage } = await verifyArchive(archive);
  return damage.map(({ kind, digest, images }) => ({ kind, digest, images }));
}

async function importFrom(
  files: Files,
  stream: boolean,
  options?: ImportOptions,
  target = new MemoryRepository("store"),
) {
  await using archive = await open(files, stream);
  const store: ImportTarget = { repository: (): Source & Target => target, commit: () => Promise.resolve() };
  const { imported, failures } = await importImages(archive, nameImages(archive.images, "x").named, store, options);
  return {
    imported: imported.map(({ reference }) => formatReference(reference)).sort(),
    failures: failures.map((error) => error instanceof SatchelError ? error : assert.fail(String(error))),
  };
}

for (const stream of [false, true]) {
  const of = stream ? "a stream" : "files";

  Deno.test(`nothing of ${of} is lost because a fallback index names what was deleted long ago`, async () => {
    const { files } = attached();
    assert.deepEqual(await damageOf(files, stream), []);
    assert.deepEqual(await importFrom(files, stream), { imported: NAMES, failures: [] });
  });

  for (const which of ["signature", "sbom", "fallback"] as const) {
    Deno.test(`a ${which} that the list of ${of} has and that is missing is told, and its image comes`, async () => {
      const made = attached();
      const lost = made[which];
      made.files.delete(pathOf(lost));
      assert.deepEqual(await damageOf(made.files, stream), [{
        kind: "missing",
        digest: lost.digest,
        images: [NAMES[0]],
      }]);
      const { imported, failures } = await importFrom(made.files, stream);
      assert.deepEqual([imported, failures.map(({ code }) => code)], [NAMES, ["invalid"]]);
      assert.match(
        failures[0].message,
        /^example\.org\/a:v1 was imported, but what belongs to it is in the list of \S+/,
      );
      const named = which === "sbom" ? lost.digest : cosignTag(made.index, which === "signature" ? ".sig" : "");
      assert.ok(failures[0].message.endsWith(`: ${named}`), failures[0].message);
    });

    Deno.test(`a ${which} of ${of} that is lost is no matter to who does not want it`, async () => {
      const made = attached();
      made.files.delete(pathOf(made[which]));
      assert.deepEqual(await importFrom(made.files, stream, { referrers: false }), { imported: NAMES, failures: [] });
    });
  }

  Deno.test(`a signature that ${of} lost is not missed where the target has it`, async () => {
    const { files, repository, signature } = attached();
    files.delete(pathOf(signature));
    const target = new MemoryRepository("store");
    for (const [digest, content] of repository.contents) target.contents.set(digest, content);
    assert.deepEqual(await importFrom(files, stream, {}, target), { imported: NAMES, failures: [] });
  });

  Deno.test(`a signature of ${of} that is damaged is damage, of its image`, async () => {
    const { files, signature } = attached();
    files.set(pathOf(signature), new Uint8Array(signature.size));
    assert.deepEqual(await damageOf(files, stream), [
      { kind: "damaged", digest: signature.digest, images: [NAMES[0]] },
    ]);
  });
}
