import { strict as assert } from "node:assert";
import { digestOf, formatReference, MediaType, parseReference } from "../../oci/mod.ts";
import type { ArchivedImage } from "../archive.ts";
import { nameImages, type Naming, type NamingOptions } from "./naming.ts";

const FULL = "example.org/a/b:v1";
const REPOSITORY = { registry: "example.org", repository: "x" };

function image(name?: string, seed = name ?? "", containerdName?: string): ArchivedImage {
  const digest = digestOf(new TextEncoder().encode(seed));
  return { descriptor: { mediaType: MediaType.ociIndex, digest, size: 1 }, name, containerdName };
}

function names({ named }: Naming): string[] {
  return named.map(({ reference }) => formatReference(reference)).sort();
}

function decide(images: ArchivedImage[], options?: NamingOptions): Naming {
  return nameImages(images, "x.tar", options);
}

const renames = (...pairs: [string, string][]) => ({
  renames: pairs.map(([from, to]) => ({ from, to: parseReference(to) })),
});

Deno.test("a full name is kept", () => {
  const naming = decide([image(FULL), image("docker.io/library/foo:v1")]);
  assert.deepEqual(names(naming), ["docker.io/library/foo:v1", FULL]);
  assert.deepEqual(naming.problems, []);
});

Deno.test("the full name that containerd keeps counts where the other is a bare tag", () => {
  assert.deepEqual(names(decide([image("v1", "", FULL)])), [FULL]);
});

Deno.test("a bare tag, a short name and what is no name are each a problem, and keep no other image from its name", () => {
  const naming = decide([image("v1"), image("foo:v1"), image("a b"), image("x".repeat(70_000)), image(FULL)]);
  assert.deepEqual(names(naming), [FULL]);
  assert.deepEqual(naming.problems.map(({ message }) => message.slice(0, 60)), [
    '"v1" in x.tar is not a full name of an image',
    '"foo:v1" in x.tar is not a full name of an image',
    '"a b" in x.tar is not a name',
    `"${"x".repeat(59)}`,
  ]);
  assert.ok(naming.problems.every(({ message }) => message.length < 400));
  const digest = (seed: string) => image(seed).descriptor.digest;
  assert.deepEqual(naming.problems.map(({ remedy }) => remedy), [
    { kind: "repository" },
    { kind: "rename", from: "foo:v1" },
    { kind: "rename", from: digest("a b") },
    { kind: "rename", from: digest("x".repeat(70_000)) },
  ]);
});

Deno.test("a repository makes names of bare tags", () => {
  const naming = decide([image("v1"), image("v2"), image(FULL)], { name: REPOSITORY });
  assert.deepEqual(names(naming), [FULL, "example.org/x:v1", "example.org/x:v2"]);
});

Deno.test("the one image without any name, or with a tag alone, gets the name that is given", () => {
  for (const written of [undefined, "v1"]) {
    const naming = decide([image(written), image(FULL)], { name: parseReference("example.org/x:v3") });
    assert.deepEqual(names(naming), [FULL, "example.org/x:v3"]);
  }
  assert.deepEqual(names(decide([image()], { name: REPOSITORY })), ["example.org/x:latest"]);
  assert.deepEqual(names(decide([image("v1"), image()], { name: REPOSITORY })), [
    "example.org/x:latest",
    "example.org/x:v1",
  ]);
});

Deno.test("a name with a tag for several images, and a repository that no image needs, are errors of usage", () => {
  const tagged = parseReference("example.org/x:v3");
  const several = { code: "usage", message: /example\.org\/x:v3 would be the name of 2 images: v1, v2/ };
  assert.throws(() => decide([image("v1"), image("v2")], { name: tagged }), several);
  const same = decide([image("v1", "one"), image("v2", "one")], { name: tagged });
  assert.deepEqual(names(same), ["example.org/x:v3"]);
  for (const written of [FULL, "foo:v1", "a b"]) {
    assert.throws(() => decide([image(written)], { name: REPOSITORY }), {
      code: "usage",
      message: "no image in x.tar needs example.org/x for its name",
    });
  }
  const renamed = decide([image("v1")], { name: REPOSITORY, ...renames(["v1", "example.org/y:v1"]) });
  assert.deepEqual(names(renamed), ["example.org/y:v1"]);
});

Deno.test("one name for several images without any is an error that lists them", () => {
  const images = [image(undefined, "1"), image(undefined, "2")];
  assert.throws(() => decide(images, { name: REPOSITORY }), (error: Error) => {
    assert.ok(images.every(({ descriptor }) => error.message.includes(descriptor.digest)), error.message);
    return true;
  });
});

Deno.test("an image without a name is a problem alone, and left out beside others", () => {
  assert.equal(decide([image(undefined, "1"), image(undefined, "2")]).problems.length, 2);
  const beside = decide([image(undefined, "1"), image(FULL)]);
  assert.deepEqual([beside.problems.length, beside.leftOut.length, names(beside)], [0, 1, [FULL]]);
});

Deno.test("a new name is given by the name as it is written, by the usual rules, or by the digest", () => {
  const trace = image("ghcr.io/inspektor-gadget/gadget/trace_open:latest");
  for (const from of [trace.name!, "trace_open", trace.descriptor.digest]) {
    assert.deepEqual(names(decide([trace, image(FULL)], renames([from, "example.org/x:1"]))), [
      FULL,
      "example.org/x:1",
    ]);
  }
  assert.deepEqual(names(decide([image("v1")], renames(["v1", "x:1"], ["v1", "x:2"]))), [
    "ghcr.io/inspektor-gadget/gadget/x:1",
    "ghcr.io/inspektor-gadget/gadget/x:2",
  ]);
});

Deno.test("a new name for nothing is an error, and so is one for what may be several images", () => {
  assert.throws(() => decide([image(FULL)], renames(["v2", "x:1"])), { code: "not-found" });
  assert.throws(() => decide([image("v2", "1"), image("v2", "2")], renames(["v2", "x:1"])), { code: "usage" });
});

Deno.test("a name that two images would have is neither's", () => {
  const naming = decide([image(FULL, "1"), image(FULL, "2"), image("example.org/c:v1")]);
  assert.deepEqual([names(naming), naming.problems.length], [["example.org/c:v1"], 1]);
  assert.match(naming.problems[0].message, /would be the name of 2 images/);
});

Deno.test("a name with another digest than that of its image is a problem", () => {
  const [right, wrong] = [image(undefined, "1"), image(undefined, "2")];
  const name = `example.org/a@${right.descriptor.digest}`;
  assert.deepEqual(names(decide([{ ...right, name }])), [name]);
  assert.match(decide([{ ...wrong, name }]).problems[0].message, /has another digest than its name says/);
});
