import { strict as assert } from "node:assert";
import { BtfBuilder, writeBtf } from "../btf/_write_btf.ts";
import { writeElf } from "../elf/_write_elf.ts";
import { ELF } from "../elf/elf.ts";
import { EXIT } from "../object/_object_with_programs.ts";
import { GADGET_NAMES, imageOf, metadataOf } from "./_fixture.ts";
import { summarize } from "./summary.ts";

function summaryOf(name: string) {
  const { ebpf, wasm } = imageOf(name);
  return summarize({ metadata: metadataOf(name), ebpf, wasm });
}

Deno.test("programs say how and what to they are attached", () => {
  assert.deepEqual(
    summaryOf("snap-iter").programs.map(({ name, type, attach, target }) => [name, type, attach, target]),
    [
      ["list_tasks", "Tracing", "iter", "task"],
      ["list_files", "Tracing", "iter", "task_file"],
    ],
  );
  assert.deepEqual(
    summaryOf("params").programs.map(({ attach, target, instructions }) => [attach, target, instructions]),
    [
      ["tracepoint", "syscalls/sys_enter_kill", 61],
    ],
  );
});

Deno.test("maps have their sizes", () => {
  assert.deepEqual(summaryOf("top-mapiter").maps, [
    { name: "writes", type: "Hash", keySize: 20, valueSize: 16, maxEntries: 1024 },
  ]);
});

Deno.test("parameters are the object's with what gadget.yaml says of them", () => {
  const { params } = summaryOf("params");
  assert.equal(params.length, 9);
  assert.deepEqual(params.find(({ variable }) => variable === "port"), {
    operator: "ebpf",
    variable: "port",
    key: "port",
    alias: "",
    type: "uint16",
    default: "443",
    otherDefault: "8443",
    description: "the port to watch",
    isMandatory: false,
    possibleValues: [],
  });
  const prefix = params.find(({ variable }) => variable === "prefix");
  assert.deepEqual([prefix?.key, prefix?.alias, prefix?.possibleValues], ["name-prefix", "p", ["abc", "xyz"]]);
});

Deno.test("parameters that the object does not have are there as gadget.yaml has them", () => {
  const said = {
    operator: "wasm",
    variable: "level",
    key: "level",
    defaultValue: "3",
    isMandatory: true,
    possibleValues: [],
    tags: [],
  };
  const { params } = summarize({
    metadata: { annotations: [], dataSources: [], params: [said, { ...said, operator: "ebpf" }], isCut: false },
    ebpf: imageOf("params").ebpf,
    wasm: undefined,
  });
  assert.deepEqual(params.slice(9).map(({ operator, key, default: value }) => [operator, key, value]), [
    ["wasm", "level", "3"],
    ["ebpf", "level", "3"],
  ]);
});

Deno.test("data sources have fields with type, description and template", () => {
  const [source] = summaryOf("trace-ringbuf").dataSources;
  assert.deepEqual([source?.name, source?.type], ["open", "events"]);
  assert.deepEqual(source?.fields.map((each) => [each.name, each.type, each.template, each.isHidden]), [
    ["timestamp_raw", "uint64", "timestamp", true],
    ["mntns_id", "uint64", "", true],
    ["pid", "uint32", "pid", false],
    ["comm", "string", "", false],
    ["flags", "int32", "", false],
    ["path", "string", "", false],
    ["timestamp", "string", "timestamp", true],
  ]);
  const kinds = summaryOf("kinds").dataSources[0]!.fields;
  assert.deepEqual(kinds.filter(({ name }) => ["bytes", "grid"].includes(name)).map(({ type }) => type), [
    "uint8[]",
    "string[]",
  ]);
});

Deno.test("a Wasm module has its version, and what it calls and is called by", () => {
  assert.deepEqual(summaryOf("wasm-only").wasm, {
    apiVersion: 1n,
    upcalls: ["gadgetLog"],
    exports: ["_initialize", "gadgetAPIVersion", "gadgetInit"],
  });
});

Deno.test("of all gadgets only the one without its structure has a problem", () => {
  const problems = GADGET_NAMES.flatMap((name) => summaryOf(name).problems.map((text) => [name, text]));
  assert.deepEqual(problems, [["ebpf-no-metadata", `tracer "exit": the object's BTF has no struct "exit_event"`]]);
});

Deno.test("layers that cannot be read are problems, and the rest is there", () => {
  const broken = new TextEncoder().encode("neither");
  const summary = summarize({ metadata: metadataOf("params"), ebpf: broken, wasm: broken });
  assert.deepEqual(summary.problems, ["the eBPF layer is no ELF file", "the Wasm layer is no WebAssembly module"]);
  assert.deepEqual(summary.params.map(({ key }) => key), ["port", "name-prefix"]);
});

Deno.test("data sources that gadget.yaml alone has are told as it describes them", () => {
  const described = {
    name: "alerts",
    annotations: [],
    fields: [{
      name: "why",
      annotations: [["description", "the reason"], ["columns.hidden", "true"]] as [string, string][],
    }],
  };
  const metadata = {
    annotations: [],
    params: [],
    dataSources: [described, { ...described, name: "open" }],
    isCut: false,
  };
  const { dataSources } = summarize({ metadata, ebpf: imageOf("trace-ringbuf").ebpf, wasm: imageOf("wasm-only").wasm });
  assert.deepEqual(dataSources.map(({ name, type }) => [name, type]), [["open", "events"], ["alerts", "described"]]);
  assert.deepEqual(dataSources[1]?.fields, [
    { name: "why", type: "", description: "the reason", template: "", isHidden: true },
  ]);
});

Deno.test("a module that says no version is a problem", () => {
  const wasm = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  assert.deepEqual(summarize({ metadata: undefined, ebpf: undefined, wasm }).problems, [
    "the Wasm layer: the module has no function gadgetAPIVersion, so Inspektor Gadget refuses to run it",
  ]);
});

Deno.test("a program that is not loaded by itself is attached by what it says behind the question mark", () => {
  const code = { name: "?kprobe/vfs_write", flags: ELF.ALLOC | ELF.EXECUTE, bytes: EXIT };
  const symbol = { name: "p", section: 1, type: ELF.FUNCTION, size: EXIT.length };
  const ebpf = writeElf({ is64Bit: true, isLittleEndian: true }, [code], [symbol]);
  const [program] = summarize({ metadata: undefined, ebpf, wasm: undefined }).programs;
  assert.deepEqual([program?.attach, program?.target], ["kprobe", "vfs_write"]);
});

Deno.test("what texts are made of is hidden, also where no annotation says so", () => {
  const fields = summaryOf("kinds").dataSources[0]!.fields;
  assert.deepEqual(fields.filter(({ isHidden }) => isHidden).map(({ name }) => name), ["colour_raw", "huge_raw"]);
});

Deno.test("a parameter has the type of its variable, whatever gadget.yaml says", () => {
  const said = { operator: "ebpf", variable: "port", type: "string", isMandatory: false, possibleValues: [], tags: [] };
  const metadata = { annotations: [], params: [said], dataSources: [], isCut: false };
  const { params } = summarize({ metadata, ebpf: imageOf("params").ebpf, wasm: undefined });
  assert.equal(params.find(({ variable }) => variable === "port")?.type, "uint16");
});

Deno.test("a parameter that cannot be set is a problem", () => {
  const types = new BtfBuilder();
  types.marker("gadget_param_gone");
  const ebpf = writeElf({ is64Bit: true, isLittleEndian: true }, [{
    name: ".BTF",
    bytes: writeBtf(types.types, true),
  }]);
  assert.deepEqual(summarize({ metadata: undefined, ebpf, wasm: undefined }).problems, [
    'variable "gone" not found in the eBPF object',
  ]);
});
