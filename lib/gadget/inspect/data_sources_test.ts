import { strict as assert } from "node:assert";
import fc from "fast-check";
import { SatchelError } from "../../error.ts";
import { encodeGoJson } from "../../oci/mod.ts";
import type { GadgetMetadata } from "../metadata/lenient.ts";
import { type NewType, objectWith } from "../object/_write_object.ts";
import { metadataOf, OBJECT_NAMES, objectOf } from "./_fixture.ts";
import { encodeDataSources, readDataSources } from "./data_sources.ts";
import { FieldFlag } from "./field.ts";

const FIXTURES = new URL("../../../tests/fixtures/gadgets/", import.meta.url);

function sourcesOf(name: string) {
  return readDataSources(objectOf(name), metadataOf(name));
}

/** A field of the only data source that a gadget has. */
function field(name: string, fullName: string) {
  const found = sourcesOf(name)[0]?.fields.find((each) => each.fullName === fullName);
  assert.ok(found, fullName);
  return found;
}

const INT: NewType = {
  kind: "int",
  name: "int",
  size: 4,
  bits: 32,
  bitOffset: 0,
  isSigned: true,
  isChar: false,
  isBool: false,
};
const member = (name: string, typeId: number, bitOffset = 0, bitSize = 0) => ({ name, typeId, bitOffset, bitSize });

/** An object with an iterator `rows` of `struct row`, which is type 5; 1 is `int`, further types begin at 6. */
function iterator(row: Extract<NewType, { kind: "struct" | "union" }>, more: NewType[] = []) {
  return objectWith([
    INT,
    { kind: "const", name: "", typeId: 0 },
    { kind: "ptr", name: "", typeId: 2 },
    { kind: "var", name: "gadget_iter_rows___row___walk", typeId: 3, linkage: "global" },
    row,
    ...more,
  ]);
}

/** The fields of `struct row`, though there is no program that would make rows. */
function fieldsOf(members: ReturnType<typeof member>[], more: NewType[] = [], size = 64) {
  const object = iterator({ kind: "struct", name: "row", size, members }, more);
  object.functions.push({ ...objectOf("snap-iter").functions[0]!, name: "walk" });
  return readDataSources(object, undefined)[0]!.fields;
}

Deno.test("a map iterator has the fields of key and value, as ig prints them", () => {
  const recorded = Deno.readTextFileSync(new URL("top-mapiter/data_sources.json", FIXTURES));
  assert.equal(`${encodeGoJson(encodeDataSources(sourcesOf("top-mapiter")))}\n`, recorded);
});

Deno.test("tracers are of type 1 and say nothing of fetching, iterators of type 2 are fetched once", () => {
  const [tracer] = sourcesOf("trace-perf");
  assert.deepEqual([tracer?.type, tracer?.annotations], [1, { "cli.clear-screen-before": "true" }]);
  const [iter] = sourcesOf("snap-iter");
  assert.deepEqual([iter?.type, iter?.annotations], [2, { "fetch-count": "1", "fetch-interval": "0" }]);
});

Deno.test("types of C have the kinds that ig numbers", () => {
  const kinds = Object.fromEntries(sourcesOf("kinds")[0]!.fields.map(({ fullName, kind }) => [fullName, kind]));
  assert.deepEqual(kinds, {
    u8: 6,
    s8: 2,
    u16: 7,
    s16: 3,
    u32: 8,
    s32: 4,
    u64: 9,
    s64: 5,
    flag: 1,
    letter: 2,
    schar: 2,
    f32: 10,
    f64: 11,
    colour_raw: 8,
    huge_raw: 9,
    chained: 8,
    leaf: 14,
    "leaf.a": 7,
    "leaf.b": 3,
    either: 14,
    "either.whole": 8,
    "either.parts": 268435462,
    unnamed_type: 14,
    "unnamed_type.x": 8,
    "unnamed_type.y": 8,
    "": 14,
    ".inner_a": 8,
    ".inner_b": 8,
    bits_low: 8,
    bits_high: 8,
    text: 13,
    bytes: 268435462,
    words: 268435464,
    grid: 268435469,
    qualified: 8,
    tagged: 8,
    colour: 12,
    huge: 12,
  });
});

Deno.test("pointers, functions, arrays of structures or of nothing, __int128 and __ names are left out", () => {
  const names = sourcesOf("kinds")[0]!.fields.map(({ name }) => name);
  for (const name of ["pointer", "fwd", "fn", "leaves", "empty", "wide", "__skipped"]) {
    assert.ok(!names.includes(name), name);
  }
});

Deno.test("members of structures are at absolute offsets and know what they are in", () => {
  const { offs, index } = field("kinds", "leaf");
  const inner = field("kinds", "leaf.b");
  assert.deepEqual([inner.offs, inner.parent, inner.flags], [offs + 2, index, 24]);
});

Deno.test("tags have every name from the outer typedef to the base type", () => {
  assert.deepEqual(field("kinds", "chained").tags, [
    "type:outer_t",
    "type:inner_t",
    "type:__u32",
    "type:unsigned int",
    "name:chained",
    "src:ebpf",
  ]);
});

Deno.test("an enumeration is hidden, and a text stands for it at the end", () => {
  assert.equal(field("kinds", "colour_raw").flags, 20);
  const { index, order, kind, flags, payloadIndex, tags } = field("kinds", "colour");
  assert.deepEqual({ index, order, kind, flags, payloadIndex, tags }, {
    index: 36,
    order: 36,
    kind: 12,
    flags: 0,
    payloadIndex: 1,
    tags: [],
  });
});

Deno.test("a time is hidden, and so is the text that is made of it", () => {
  assert.equal(field("trace-ringbuf", "timestamp_raw").flags, 20);
  assert.deepEqual([field("trace-ringbuf", "timestamp").flags, field("trace-ringbuf", "timestamp").kind], [4, 12]);
});

Deno.test("a text that would have the name of another field is not made", () => {
  const enumeration: NewType = { kind: "enum", name: "e", size: 4, isSigned: false, values: [] };
  const names = fieldsOf([member("a_raw", 6), member("a", 1, 32)], [enumeration]).map(({ name }) => name);
  assert.deepEqual(names, ["a_raw", "a"]);
});

Deno.test("the text of a member is a member of the same", () => {
  const enumeration: NewType = { kind: "enum", name: "e", size: 4, isSigned: false, values: [] };
  const inner: NewType = { kind: "struct", name: "inner", size: 4, members: [member("a_raw", 6)] };
  const made = fieldsOf([member("in", 7)], [enumeration, inner]).at(-1);
  assert.deepEqual([made?.fullName, made?.flags, made?.parent], ["in.a", FieldFlag.hasParent, 0]);
});

/** Types of addresses as `gadget/types.h` has them, from type 6 on: port, bytes, array, address, and an endpoint as type 10. */
function endpoint(name: string, members: ReturnType<typeof member>[]): NewType[] {
  const unsigned = (bits: number, type: string): NewType =>
    ({ ...INT, name: type, size: bits / 8, bits, isSigned: false }) as NewType;
  return [
    unsigned(16, "__u16"),
    unsigned(8, "__u8"),
    { kind: "array", name: "", typeId: 7, indexTypeId: 1, length: 16 },
    { kind: "union", name: "gadget_ip_addr_t", size: 16, members: [member("v6", 8), member("v4", 1)] },
    { kind: "struct", name, size: 24, members },
  ];
}

Deno.test("an address with a port is shown as one text, and what it is made of is hidden", () => {
  const members = [
    member("addr_raw", 9),
    member("port", 6, 128),
    member("proto_raw", 6, 144),
    member("version", 7, 160),
  ];
  const fields = fieldsOf([member("src", 10)], endpoint("gadget_l4endpoint_t", members));
  assert.deepEqual(fields.map(({ fullName, flags }) => [fullName, flags]), [
    ["src", 16],
    ["src.addr_raw", 16 + 8 + 4 + 32],
    ["src.addr_raw.v6", 16 + 8 + 4 + 32],
    ["src.addr_raw.v4", 16 + 8 + 4 + 32],
    ["src.port", 16 + 8 + 4],
    ["src.proto_raw", 16 + 8 + 4],
    ["src.version", 16 + 8 + 4],
    ["src.addr", 8 + 4],
    ["src.proto", 8 + 4],
    ["src.endpoint", 8 + 4],
  ]);
  assert.equal(fields[0]?.annotations["columns.replace"], "src.endpoint");
  assert.deepEqual([fields.at(-1)?.tags, fields.at(-1)?.annotations["json.skip"]], [["endpoint"], "true"]);
});

Deno.test("an address without a port is shown as its text; one that lacks a version as it is", () => {
  const members = [member("addr_raw", 9), member("version", 7, 128)];
  const fields = fieldsOf([member("src", 10)], endpoint("gadget_l3endpoint_t", members));
  assert.equal(fields[0]?.annotations["columns.replace"], "src.addr");
  assert.equal(fields.at(-1)?.fullName, "src.addr");
  const broken = fieldsOf([member("src", 10)], endpoint("gadget_l3endpoint_t", members.slice(0, 1)));
  assert.deepEqual(broken.map(({ flags }) => flags), [16, 24, 24, 24]);
});

Deno.test("what gadget.yaml says counts more than its template, that more than the type's", () => {
  const { annotations } = field("trace-ringbuf", "pid");
  assert.equal(annotations.description, "who");
  assert.equal(annotations["columns.minwidth"], "7");
  assert.equal(field("trace-ringbuf", "comm").annotations.description, "Process name");
  assert.equal(field("trace-ringbuf", "path").annotations["columns.width"], "40");
});

Deno.test("a field that gadget.yaml hides is hidden", () => {
  const metadata: GadgetMetadata = {
    annotations: [],
    params: [],
    dataSources: [{
      name: "exit",
      annotations: [],
      fields: [{ name: "tid", annotations: [["columns.hidden", "true"]] }],
    }],
    isCut: false,
  };
  const fields = readDataSources(objectOf("trace-perf"), metadata)[0]!.fields;
  assert.deepEqual(fields.map(({ flags }) => flags), [16, 20, 16, 16]);
});

Deno.test("bit fields are in the word that has them, and say which bits", () => {
  assert.deepEqual([field("kinds", "bits_low").offs, field("kinds", "bits_high").offs], [108, 108]);
  assert.ok(field("kinds", "bits_low").tags.includes("bits:0:3"));
  assert.ok(field("kinds", "bits_high").tags.includes("bits:3:29"));
  const late = fieldsOf([member("a", 1, 32 + 17, 5)])[0];
  assert.deepEqual([late?.offs, late?.tags.includes("bits:17:5")], [4, true]);
});

Deno.test("bit fields that their type tells, as old compilers have it, are found too", () => {
  const bits: NewType = { ...INT, bits: 5, bitOffset: 3 } as NewType;
  assert.ok(fieldsOf([member("a", 6, 0)], [bits])[0]?.tags.includes("bits:3:5"));
});

Deno.test("a packed bit field that crosses its word begins where its first byte is", () => {
  const packed = fieldsOf([member("a", 1, 30, 5)])[0];
  assert.deepEqual([packed?.offs, packed?.tags.includes("bits:6:5")], [3, true]);
});

Deno.test("members of one name are all there", () => {
  assert.deepEqual(fieldsOf([member("a", 1), member("a", 1, 32)]).map(({ fullName, offs }) => [fullName, offs]), [
    ["a", 0],
    ["a", 4],
  ]);
});

Deno.test("a structure behind a typedef is left out, as ig does", () => {
  const inner: NewType = { kind: "struct", name: "inner", size: 4, members: [member("a", 1)] };
  assert.deepEqual(fieldsOf([member("x", 7)], [inner, { kind: "typedef", name: "t", typeId: 6 }]), []);
});

Deno.test("a member that is not within its record is an error", () => {
  assert.throws(() => fieldsOf([member("a", 1, 8)], [], 4), /struct row has a member a that reaches beyond the end/);
});

Deno.test("a structure that contains itself is an error", () => {
  const self: NewType = { kind: "struct", name: "self", size: 4, members: [member("again", 6)] };
  assert.throws(() => fieldsOf([member("x", 6)], [self]), /struct self nests more than 32 deep/);
});

Deno.test("more members than any gadget has are an error", () => {
  const members = Array.from({ length: 20_001 }, () => member("a", 1));
  assert.throws(() => fieldsOf(members), /has too many members/);
});

Deno.test("structures that have each other in themselves many times over are an error, and soon", () => {
  const levels: NewType[] = [];
  for (let depth = 0; depth < 30; depth++) {
    const members = Array.from({ length: 50 }, (_, index) => member(`m${index}`, 7 + depth));
    levels.push({ kind: "struct", name: `level${depth}`, size: 4, members });
  }
  levels.push(INT);
  assert.throws(() => fieldsOf([member("x", 6)], levels), /has too many members/);
});

Deno.test("long names within long names are an error before they fill the memory", () => {
  const levels: NewType[] = [];
  for (let depth = 0; depth < 20; depth++) {
    levels.push({ kind: "struct", name: "", size: 4, members: [member("x".repeat(4000), 7 + depth)] });
  }
  levels.push({ kind: "struct", name: "", size: 4, members: Array.from({ length: 2000 }, () => member("y", 1)) });
  assert.throws(() => fieldsOf([member("x", 6)], levels), /has too many members/);
});

Deno.test("a marker of what is not there is an error, or the rest without it", () => {
  assert.throws(() => readDataSources(objectOf("ebpf-no-metadata"), undefined), /has no struct "exit_event"/);
  const problems: SatchelError[] = [];
  assert.deepEqual(readDataSources(objectOf("ebpf-no-metadata"), undefined, (each) => problems.push(each)), []);
  assert.equal(problems.length, 1);
});

Deno.test("fields are where bpftool finds the members of their structures", () => {
  const structs = {
    kinds: "kinds",
    "trace-ringbuf": "open_event",
    "trace-perf": "exit_event",
    "snap-iter": "task_row",
    params: "hit",
  };
  for (const [name, struct] of Object.entries(structs)) {
    const { types } = JSON.parse(Deno.readTextFileSync(new URL(`${name}/objects/amd64.btf.json`, FIXTURES)));
    const members: { name: string; bits_offset: number; bitfield_size?: number }[] =
      types.find((type: { kind: string; name: string }) => type.kind === "STRUCT" && type.name === struct).members;
    const offsets = new Map(members.map((each) => [each.name, each]));
    const own = sourcesOf(name)[0]!.fields.filter(({ flags }) => (flags & 24) === FieldFlag.staticMember);
    for (const { name: field, offs, tags } of own) {
      const { bits_offset, bitfield_size } = offsets.get(field === "" ? "(anon)" : field)!;
      const [first, count] = tags.find((tag) => tag.startsWith("bits:"))?.split(":").slice(1).map(Number) ?? [0, 0];
      assert.deepEqual([offs * 8 + first!, count], [bits_offset, bitfield_size ?? 0], `${name}: ${field}`);
    }
  }
});

Deno.test("no data source at all is null", () => {
  assert.equal(encodeDataSources(sourcesOf("ebpf-and-wasm")), null);
});

Deno.test("every object has the same data sources on both architectures", () => {
  for (const name of OBJECT_NAMES.filter((each) => each !== "ebpf-no-metadata")) {
    assert.deepEqual(
      readDataSources(objectOf(name, "arm64"), undefined),
      readDataSources(objectOf(name), undefined),
      name,
    );
  }
});

Deno.test("whatever gadget.yaml says of fields, every field is within its record and below its parent", () => {
  const text = fc.oneof(
    fc.constantFrom("pid", "leaf.a", "template", "timestamp", "columns.hidden", "true", "__proto__"),
    fc.string(),
  );
  const annotations = fc.array(fc.tuple(text, text), { maxLength: 4 });
  const sources = fc.array(
    fc.record({
      name: fc.constantFrom("kinds", "open", "x"),
      annotations,
      fields: fc.array(fc.record({ name: text, annotations }), { maxLength: 4 }),
    }),
    { maxLength: 3 },
  );
  fc.assert(fc.property(fc.constantFrom("kinds", "trace-ringbuf"), sources, (name, dataSources) => {
    const metadata: GadgetMetadata = { annotations: [], params: [], dataSources, isCut: false };
    const object = objectOf(name);
    for (const { fields } of readDataSources(object, metadata)) {
      fields.forEach((each, index) => {
        assert.equal(each.index, index);
        if ((each.flags & FieldFlag.hasParent) !== 0) assert.ok(each.parent < index);
        const size = object.btf!.find("struct", name === "kinds" ? "kinds" : "open_event")!.size;
        assert.ok(each.offs + each.size <= size);
      });
    }
  }));
});

Deno.test("what gadget.yaml says of how often records are fetched counts more than what is usual", () => {
  const said = { name: "tasks", annotations: [["fetch-interval", "5s"]] as [string, string][], fields: [] };
  const [{ name } = { name: "" }] = sourcesOf("snap-iter");
  const metadata = { annotations: [], params: [], dataSources: [{ ...said, name }], isCut: false };
  const source = readDataSources(objectOf("snap-iter"), metadata).find((each) => each.name === name);
  assert.deepEqual(source?.annotations, { "fetch-count": "1", "fetch-interval": "5s" });
});

Deno.test("members of members of members count from the beginning of the record", () => {
  const fields = fieldsOf([member("first", 1), member("outer", 6, 32)], [
    { kind: "struct", name: "outer", size: 12, members: [member("x", 1), member("inner", 7, 32)] },
    { kind: "struct", name: "inner", size: 8, members: [member("y", 1), member("z", 1, 32)] },
  ]);
  assert.deepEqual(fields.map(({ fullName, offs }) => [fullName, offs]), [
    ["first", 0],
    ["outer", 4],
    ["outer.x", 4],
    ["outer.inner", 8],
    ["outer.inner.y", 8],
    ["outer.inner.z", 12],
  ]);
});
