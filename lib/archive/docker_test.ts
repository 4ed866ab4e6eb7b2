import { strict as assert } from "node:assert";
import { digestOf } from "../oci/mod.ts";
import { bytesOf, type Files, filesOf } from "./_testing_layout.ts";
import { readDocker } from "./docker.ts";

/** Reads such an archive, and counts how often each file of it is opened. */
async function read(files: Files) {
  const opened = new Map<string, number>();
  const archive = filesOf(files);
  const counting: typeof archive = {
    ...archive,
    get(path) {
      const file = archive.get(path);
      return file && {
        ...file,
        open(...args) {
          opened.set(path, (opened.get(path) ?? 0) + 1);
          return file.open(...args);
        },
      };
    },
  };
  return { ...await readDocker(counting, "", {}), opened };
}

const config = (text: string, layers: string[] = []) => bytesOf(JSON.stringify({ text, rootfs: { diff_ids: layers } }));

Deno.test("a config that many images have is read once, whatever stands between them", async () => {
  const images = Array.from(
    { length: 100 },
    (_, at) => ({ Config: at % 2 ? "a.json" : "b.json", RepoTags: [`x:${at}`] }),
  );
  const { listed, opened, blobs } = await read(
    new Map([
      ["a.json", config("a")],
      ["b.json", config("b")],
      ["manifest.json", bytesOf(JSON.stringify(images))],
    ]),
  );
  assert.equal(listed.length, 100);
  assert.equal(new Set(listed.map(({ descriptor }) => descriptor.digest)).size, 2);
  assert.equal(blobs.length, 2);
  assert.deepEqual([opened.get("a.json"), opened.get("b.json")], [1, 1]);
});

Deno.test("configs are not kept in memory, but read again out of the archive", async () => {
  const a = config("a");
  const { contents, opened } = await read(
    new Map([["a.json", a], ["manifest.json", bytesOf('[{"Config":"a.json"}]')]]),
  );
  const chunks = await Array.fromAsync(contents.open(digestOf(a), 3, {})!);
  assert.equal(chunks.map((chunk) => new TextDecoder().decode(chunk)).join(""), new TextDecoder().decode(a).slice(3));
  assert.equal(opened.get("a.json"), 2);
});

Deno.test("a list whose manifests would fill the memory is refused", async () => {
  const layers = Array.from({ length: 1000 }, () => "l");
  const diffId = digestOf(bytesOf("x"));
  const files: Files = new Map([["l", bytesOf("x")]]);
  const images = Array.from({ length: 250 }, (_, at) => {
    files.set(`${at}.json`, config(`${at}`, layers.map(() => diffId)));
    return { Config: `${at}.json`, Layers: layers };
  });
  files.set("manifest.json", bytesOf(JSON.stringify(images)));
  await assert.rejects(read(files), {
    code: "invalid",
    message: "manifest.json of x.tar lists too much: the manifests of its images take more than 33554432 bytes",
  });
});

Deno.test("a list of more names than index.json may have is refused", async () => {
  const RepoTags = Array.from({ length: 10_000 }, () => "x");
  const images = Array.from({ length: 6 }, () => ({ Config: "a.json", RepoTags }));
  const files: Files = new Map([["a.json", config("a")], ["manifest.json", bytesOf(JSON.stringify(images))]]);
  await assert.rejects(read(files), { code: "invalid", message: /has 60000 names, the limit is 50000/ });
});

Deno.test("a link inside of the archive is followed, an absolute one or one that leads out of it is not", async () => {
  const bytes = bytesOf("a layer");
  const files: Files = new Map([
    ["layers/l.tar", bytes],
    ["c.json", config("c", [digestOf(bytes)])],
    ["manifest.json", bytesOf('[{"Config":"c.json","Layers":["image/layer.tar"]}]')],
  ]);
  const reading = (target: string) =>
    readDocker(
      { ...filesOf(files), link: (path) => path === "image/layer.tar" ? target : undefined },
      "",
      {},
    );
  const { blobs } = await reading("../layers/l.tar");
  assert.ok(blobs.some(({ digest }) => digest === digestOf(bytes)));
  for (const target of ["/../layers/l.tar", "/layers/l.tar", "../../layers/l.tar", "../image/layer.tar", ""]) {
    await assert.rejects(reading(target), {
      code: "invalid",
      message: "image/layer.tar in x.tar, listed in manifest.json, is not there",
    });
  }
});
