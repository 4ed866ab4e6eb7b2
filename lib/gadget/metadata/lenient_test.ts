import { strict as assert } from "node:assert";
import fc from "fast-check";
import { type GadgetMetadata, MAX_METADATA_SIZE, readGadgetMetadata } from "../mod.ts";

function read(text: string): GadgetMetadata | undefined {
  return readGadgetMetadata(new TextEncoder().encode(text));
}

/** One that the real `ig image build` took. */
function fixture(name: string): GadgetMetadata {
  const metadata = readGadgetMetadata(
    Deno.readFileSync(new URL(`../../../tests/fixtures/gadgets/${name}/source/gadget.yaml`, import.meta.url)),
  );
  assert.ok(metadata);
  return metadata;
}

Deno.test("a gadget's texts, data sources and fields are read in their order", () => {
  assert.deepEqual(fixture("trace-ringbuf"), {
    name: "fixture ring buffer",
    description: "one record per openat",
    homepageURL: "https://example.org/",
    documentationURL: "https://example.org/docs",
    sourceURL: "https://example.org/src",
    annotations: [],
    params: [],
    dataSources: [{
      name: "open",
      annotations: [],
      fields: [
        { name: "timestamp_raw", annotations: [["description", "when"], ["template", "timestamp"]] },
        { name: "pid", annotations: [["description", "who"], ["template", "pid"]] },
        { name: "path", annotations: [["description", "the file's path"], ["columns.width", "40"]] },
      ],
    }],
    isCut: false,
  });
});

Deno.test("parameters are read with all that they have", () => {
  const [port, prefix] = fixture("params").params;
  assert.deepEqual(port, {
    operator: "ebpf",
    variable: "port",
    key: "port",
    description: "the port to watch",
    defaultValue: "8443",
    isMandatory: false,
    possibleValues: [],
    tags: [],
  });
  assert.deepEqual(prefix, {
    operator: "ebpf",
    variable: "prefix",
    key: "name-prefix",
    alias: "p",
    title: "Prefix",
    description: "names that begin with this",
    type: "string",
    valueHint: "string",
    isMandatory: false,
    possibleValues: ["abc", "xyz"],
    tags: ["group:Names"],
  });
});

Deno.test("texts come as they are, whatever is in them", () => {
  const { name, description, annotations } = fixture("escapes");
  assert.equal(name, 'a <b> & "c" \\ d/e');
  assert.equal(description, "line one\nline two\ttab \u2028 \u2029 \u007f \u0001 \u00e9 \u{1F600}");
  assert.equal(new Map(annotations).get("org.example.<key>"), "k");
});

Deno.test("scalars are taken as they are written, and of several values of a key the last one", () => {
  assert.equal(read("name: 2.50")?.name, "2.50");
  assert.equal(read("name: yes")?.name, "yes");
  assert.equal(read("name: a\nname: b")?.name, "b");
  assert.equal(read("\ufeffname: a\n---\nname: b")?.name, "a");
});

Deno.test("what is not of its type is left out, and the rest is read", () => {
  const metadata = read(`
name: [a]
description: fine
annotations: [a, b]
params: {ebpf: {one: 5, two: {key: two, possibleValues: abc, isMandatory: {a: b}, tags: [x, [y], {z: 1}]}}, wasm: []}
datasources: {open: {fields: {pid: 5, tid: {annotations: {description: t, null: , list: [1]}}}}, other: text}
`);
  assert.equal(metadata?.name, undefined);
  assert.equal(metadata?.description, "fine");
  assert.deepEqual(metadata?.params.map(({ variable, key, tags }) => [variable, key, tags]), [
    ["one", undefined, []],
    ["two", "two", ["x"]],
  ]);
  assert.deepEqual(metadata?.dataSources.map(({ name, fields }) => [name, fields.length]), [["open", 2], ["other", 0]]);
  assert.deepEqual(metadata?.dataSources[0].fields[1].annotations.filter(([key]) => key === "description"), [
    ["description", "t"],
  ]);
});

Deno.test("aliases and merges stand for what they name", () => {
  const metadata = read(`
annotations: &all {a: "1", b: "2"}
datasources:
  one: {annotations: *all}
  two: {annotations: {<<: *all, b: "3"}}
`);
  assert.deepEqual(metadata?.dataSources.map(({ annotations }) => annotations), [
    [["a", "1"], ["b", "2"]],
    [["a", "1"], ["b", "3"]],
  ]);
});

Deno.test("what is no map is no metadata", () => {
  for (const text of ["", "hello", "- a", "[", "name: [unclosed", "\tname: a", "*a", "\0", "%YAML 9.9\n---"]) {
    const metadata = read(text);
    assert.deepEqual([metadata?.params ?? [], metadata?.dataSources ?? []], [[], []], text);
  }
  assert.equal(read("hello"), undefined);
  assert.equal(read("- a"), undefined);
});

Deno.test("what is too long, or nests too deep for the parser, is not read", () => {
  const hostile = [
    `name: a\n${"#".repeat(MAX_METADATA_SIZE)}`,
    "x".repeat(4 * 1024 * 1024),
    `name: a\nx: ${"[".repeat(1000)}`,
    `name: a\nx: ${"{a: ".repeat(1000)}`,
    `name: a\nx: ${"- ".repeat(1000)}`,
    `? `.repeat(1000),
    `: `.repeat(1000),
  ];
  for (const text of hostile) assert.equal(read(text), undefined, text.slice(0, 20));
});

Deno.test("an alias bomb stays small: no more texts are read than a gadget can have", () => {
  const fields = Array.from({ length: 500 }, (_, index) => `f${index}: &f {annotations: *a}`).join(", ");
  const annotations = Array.from({ length: 500 }, (_, index) => `a${index}: ${"x".repeat(20)}`).join(", ");
  const sources = Array.from({ length: 500 }, (_, index) => `  s${index}: {fields: *fields}`).join("\n");
  const metadata = read(`a: &a {${annotations}}\nf: &fields {${fields}}\ndatasources:\n${sources}\n`);
  // One line of many keys is as suspicious as one that nests.
  assert.equal(metadata, undefined);
  const long = read(
    `a: &a\n${annotations.replace(/(^|, )/g, "\n  ")}\nf: &fields\n${
      fields.replace(/(^|, )/g, "\n  ").replaceAll("&f ", "")
    }\ndatasources:\n${sources}\n`,
  );
  assert.ok(long?.isCut);
  const texts = long.dataSources.flatMap(({ fields }) => fields.flatMap(({ annotations }) => annotations));
  assert.ok(texts.length <= 5000, String(texts.length));
});

Deno.test("merges that double with each step end", () => {
  const steps = Array.from(
    { length: 100 },
    (_, index) => `a${index + 1}: &a${index + 1} {<<: [*a${index}, *a${index}]}`,
  );
  const metadata = read(`a0: &a0 {x: 1}\n${steps.join("\n")}\nannotations: *a100\nname: a`);
  assert.equal(metadata?.name, "a");
  assert.equal(read("a: &a\n  <<: *a\n  b: c\nannotations: *a")?.annotations.length, 1, "one of itself");
});

Deno.test("whatever the bytes are, they are read or not, and nothing is thrown", () => {
  const pieces = fc.constantFrom(
    ...["name", "params", "datasources", "fields", "annotations", ": ", "- ", "\n", "  ", "&a ", "*a", "<<", "[", "]"],
    ...["{", "}", ",", "|", ">", "'", '"', "!!binary ", "? ", "#", "---\n", "%", "\t", "\u2028", "é", "\0"],
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => void read(parts.join(""))),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void readGadgetMetadata(bytes)));
});
