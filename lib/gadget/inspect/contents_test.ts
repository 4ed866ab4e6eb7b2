import { strict as assert } from "node:assert";
import fc from "fast-check";
import type { SatchelError } from "../../error.ts";
import { ByteWriter } from "../_bytes.ts";
import { writeElf } from "../elf/_write_elf.ts";
import { ELF } from "../elf/elf.ts";
import { EXIT } from "../object/_object_with_programs.ts";
import { GADGET_NAMES, imageOf, OBJECT_NAMES } from "./_fixture.ts";
import { contentKeys, type GadgetParts, inspectGadget, typedName } from "./contents.ts";
import { summarize } from "./summary.ts";

/** What an image has under a key. */
function content(name: string, key: string): string | undefined {
  return inspectGadget(imageOf(name)).find((each) => each.key === key)?.content;
}

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

Deno.test("the manifest is there as it is, byte for byte", () => {
  assert.equal(content("trace-ringbuf", "oci.manifest"), text(imageOf("trace-ringbuf").manifest));
});

Deno.test("the metadata is the config as it is, comments and all; without metadata it is the empty config", () => {
  assert.equal(content("params", "oci.metadata"), text(imageOf("params").config));
  assert.equal(content("ebpf-no-metadata", "oci.metadata"), "{}");
});

Deno.test("repository and tag are as they were typed", () => {
  const typed = inspectGadget({ ...imageOf("params"), ...typedName("localhost:5000/a/params:v1") });
  assert.equal(typed.find(({ key }) => key === "oci.repository")?.content, "localhost:5000/a/params");
  assert.equal(typed.find(({ key }) => key === "oci.tag")?.content, "v1");
});

Deno.test("a name that was typed without a tag means latest, one with a digest no tag", () => {
  assert.deepEqual(typedName("trace-ringbuf"), { repository: "trace-ringbuf", tag: "latest" });
  assert.deepEqual(typedName("host:5000/name"), { repository: "host:5000/name", tag: "latest" });
  assert.deepEqual(typedName("name@sha256:00"), { repository: "name", tag: "" });
  assert.deepEqual(typedName("name:v1@sha256:00"), { repository: "name", tag: "v1" });
});

Deno.test("the digest is that of the config, as with ig", () => {
  const { config } = JSON.parse(text(imageOf("params").manifest));
  assert.equal(content("params", "oci.digest"), config.digest);
});

Deno.test("when it was created is what the manifest says", () => {
  assert.equal(content("params", "oci.created"), "2023-11-14T22:13:20Z");
});

Deno.test("sections are all that the object has, in its order", () => {
  assert.equal(
    content("trace-ringbuf", "ebpf.sections"),
    '["",".strtab",".text","tracepoint/syscalls/sys_enter_openat",".reltracepoint/syscalls/sys_enter_openat",' +
      '".maps","license",".bss",".BTF",".rel.BTF",".BTF.ext",".rel.BTF.ext",".llvm_addrsig",".symtab"]',
  );
});

Deno.test("maps are those that are declared, and .data; none are null", () => {
  assert.equal(
    content("kinds", "ebpf.maps"),
    '[{"Name":"out","Type":"RingBuf"},{"Name":"plain","Type":"Array"},{"Name":".data","Type":"Array"}]',
  );
  assert.equal(content("ebpf-and-wasm", "ebpf.maps"), "null");
});

Deno.test("variables are the global ones of .data, .bss and .rodata", () => {
  assert.equal(
    content("kinds", "ebpf.variables"),
    '[{"Name":"preset","Offset":0,"Size":8,"Map":".data"},{"Name":"zeroed","Offset":0,"Size":8,"Map":".bss"},' +
      '{"Name":"gadget_tracer_kinds___out___kinds","Offset":8,"Size":8,"Map":".bss"},' +
      '{"Name":"keep_kinds","Offset":16,"Size":8,"Map":".bss"}]',
  );
});

Deno.test("programs have their section and their code as text", () => {
  assert.equal(
    content("ebpf-and-wasm", "ebpf.programs"),
    String.raw`[{"Section":"tracepoint/sched/sched_process_fork","Source":"on_fork:\n\t ; return built_for;\n\t0: ` +
      String
        .raw`LoadMapValue dst: r1, fd: 0 off: 0 \u003c.rodata\u003e\n\t ; return built_for;\n\t2: LdXMemW dst: r0 ` +
      String
        .raw`src: r1 off: 0 imm: 0\n\t3: Exit\n","SourceWithRelocation":"; \treturn built_for;\nLoadMapValue dst: r1, ` +
      String
        .raw`fd: 0 off: 0 \u003c.rodata\u003e\n; \treturn built_for;\nLdXMemW dst: r0 src: r1 off: 0 imm: 0\nExit\n"}]`,
  );
  const sections = JSON.parse(content("snap-iter", "ebpf.programs")!).map((each: { Section: string }) => each.Section);
  assert.deepEqual(sections, ["iter/task", "iter/task_file"]);
});

Deno.test("the flowchart has the maps, and each program with what it does with them", () => {
  assert.equal(
    content("top-mapiter", "ebpf.flowchart"),
    'flowchart LR\nwrites[("writes")]\non_write -- "Lookup+Update" --> writes\non_write["on_write"]\n',
  );
});

Deno.test("the sequence diagram has programs, maps, and the uses one by one", () => {
  assert.equal(
    content("top-mapiter", "ebpf.sequence"),
    "sequenceDiagram\nbox eBPF Programs\nparticipant on_write\nend\nbox eBPF Maps\nparticipant writes\nend\n" +
      "on_write->>writes: Lookup\non_write->>writes: Update\n",
  );
});

Deno.test("a Wasm module has its version and the functions that it calls", () => {
  for (const name of ["wasm-only", "ebpf-and-wasm"]) {
    assert.equal(content(name, "wasm.gadgetAPIVersion"), "1");
    assert.equal(content(name, "wasm.upcalls"), '["gadgetLog"]');
  }
});

Deno.test("keys have the content types of ig", () => {
  assert.deepEqual(inspectGadget(imageOf("ebpf-and-wasm")).map(({ key, contentType }) => [key, contentType]), [
    ["ebpf.flowchart", "text/mermaid"],
    ["ebpf.maps", "application/json"],
    ["ebpf.programs", "application/json"],
    ["ebpf.sections", "application/json"],
    ["ebpf.sequence", "text/mermaid"],
    ["ebpf.variables", "application/json"],
    ["oci.created", "text/plain"],
    ["oci.digest", "text/plain"],
    ["oci.manifest", "application/json"],
    ["oci.metadata", "text/yaml"],
    ["oci.repository", "text/plain"],
    ["oci.tag", "text/plain"],
    ["wasm.gadgetAPIVersion", "text/plain"],
    ["wasm.upcalls", "application/json"],
  ]);
});

Deno.test("an image has the keys of the layers that it has, and one without layers none", () => {
  const keys = new Map(GADGET_NAMES.map((name) => [name, inspectGadget(imageOf(name)).map(({ key }) => key)]));
  const areas = (name: string) => [...new Set(keys.get(name)!.map((key) => key.split(".")[0]))];
  for (const name of OBJECT_NAMES.filter((each) => each !== "ebpf-and-wasm")) {
    assert.deepEqual(areas(name), ["ebpf", "oci"]);
  }
  assert.deepEqual(areas("wasm-only"), ["oci", "wasm"]);
  assert.deepEqual([keys.get("metadata-only"), keys.get("escapes")], [[], []]);
});

Deno.test("what was not fetched has no keys", () => {
  const parts: GadgetParts = { ...imageOf("ebpf-and-wasm"), config: undefined, ebpf: undefined, wasm: undefined };
  assert.deepEqual(inspectGadget(parts).map(({ key }) => key), [
    "oci.created",
    "oci.digest",
    "oci.manifest",
    "oci.repository",
    "oci.tag",
  ]);
});

Deno.test("a layer that is not what it should be is an error, or the rest without it", () => {
  const parts: GadgetParts = { ...imageOf("ebpf-and-wasm"), wasm: new TextEncoder().encode("not wasm") };
  assert.throws(() => inspectGadget(parts), /the Wasm layer is no WebAssembly module/);
  const problems: SatchelError[] = [];
  const keys = inspectGadget(parts, { onProblem: (problem) => problems.push(problem) }).map(({ key }) => key);
  assert.ok(keys.includes("ebpf.maps") && !keys.includes("wasm.upcalls"));
  assert.deepEqual(problems.map(({ code }) => code), ["invalid"]);
});

Deno.test("what JSON of a manifest has no layers in it is no error", () => {
  for (const manifest of ["{}", '{"layers":{}}', '{"layers":[1],"config":5,"annotations":{}}']) {
    inspectGadget({ ...imageOf("wasm-only"), manifest: new TextEncoder().encode(manifest) });
  }
});

Deno.test("objects with wrong bytes are read or refused, and nothing else", () => {
  const originals = OBJECT_NAMES.map((name) => imageOf(name));
  fc.assert(
    fc.property(
      fc.constantFrom(...originals),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 }),
      fc.option(fc.nat(), { nil: undefined, freq: 4 }),
      (parts, changes, end) => {
        const ebpf = parts.ebpf!.slice(0, end === undefined ? undefined : end % parts.ebpf!.length);
        for (const [at, byte] of changes) ebpf[at % ebpf.length] = byte;
        inspectGadget({ ...parts, ebpf }, { onProblem: (problem) => assert.equal(problem.code, "invalid") });
        summarize({ ebpf, metadata: undefined, wasm: undefined });
      },
    ),
    { numRuns: 400 },
  );
});

Deno.test("an object with long names in many places has all but what would become too long", () => {
  const name = "<".repeat(4000);
  const symbols = Array.from({ length: 200 }, () => ({ name, size: 1, type: ELF.OBJECT, section: 1 }));
  const ebpf = writeElf(
    { is64Bit: true, isLittleEndian: true },
    [{ name: ".bss", type: ELF.NOBITS, size: 8 }],
    symbols,
  );
  const problems: string[] = [];
  const contents = inspectGadget({ ...imageOf("params"), ebpf }, {
    onProblem: ({ message }) => problems.push(message),
  });
  const keys = contents.map(({ key }) => key).filter((key) => key.startsWith("ebpf."));
  assert.deepEqual(keys, ["ebpf.flowchart", "ebpf.maps", "ebpf.programs", "ebpf.sections", "ebpf.sequence"]);
  assert.deepEqual(problems, ["the eBPF layer: ebpf.variables: there is more of it than 2097152 characters"]);
});

Deno.test("of programs that are many times the same, neither code nor drawings become too long", () => {
  const name = "p".repeat(4000);
  const symbols = Array.from({ length: 6000 }, () => ({ name, size: EXIT.length, type: ELF.FUNCTION, section: 1 }));
  const code = { name: "kprobe/x", flags: ELF.ALLOC | ELF.EXECUTE, bytes: EXIT };
  const ebpf = writeElf({ is64Bit: true, isLittleEndian: true }, [code], symbols);
  for (const key of ["ebpf.flowchart", "ebpf.programs", "ebpf.sequence"]) {
    assert.throws(
      () => inspectGadget({ ...imageOf("params"), ebpf }, { key }),
      /more (of it|text) than \d+ characters/,
    );
  }
  assert.equal(inspectGadget({ ...imageOf("params"), ebpf }, { key: "ebpf.maps" })[0]?.content, "null");
});

Deno.test("what alone is asked for is all that is made: what is wrong with the rest does not matter", () => {
  const parts: GadgetParts = { ...imageOf("ebpf-and-wasm"), wasm: new TextEncoder().encode("not wasm") };
  assert.deepEqual(inspectGadget(parts, { key: "ebpf.maps" }).map(({ key }) => key), ["ebpf.maps"]);
  assert.deepEqual(inspectGadget(parts, { key: "oci.tag" }).map(({ key }) => key), ["oci.tag"]);
  assert.throws(() => inspectGadget(parts, { key: "wasm.upcalls" }), /no WebAssembly module/);
});

Deno.test("the keys that images may have are those that they have", () => {
  for (const name of GADGET_NAMES.filter((each) => inspectGadget(imageOf(each)).length > 0)) {
    const parts = imageOf(name);
    const keys = contentKeys({ ebpf: parts.ebpf !== undefined, wasm: parts.wasm !== undefined });
    assert.deepEqual(inspectGadget(parts).map(({ key }) => key), keys);
  }
});

Deno.test("programs that use maps in more ways than can be drawn have all but the drawings", () => {
  const [maps, programs] = [64, 1600];
  const [code, relocations] = [new ByteWriter(true), new ByteWriter(true)];
  for (let map = 0; map < maps; map++) {
    // Loads the map, and looks something up.
    relocations.u64(BigInt(code.length)).u64(BigInt(map + 1) << 32n | 1n);
    code.u8(0x18).u8(0x01).u16(0).u32(0).u64(0).u8(0x85).u8(0).u16(0).u32(1);
  }
  code.put(EXIT);
  const sections = [
    { name: "xdp", flags: ELF.ALLOC | ELF.EXECUTE, bytes: code.bytes },
    { name: ".maps", bytes: new Uint8Array(8 * maps) },
    { name: ".relxdp", type: ELF.RELOCATIONS, info: 1, bytes: relocations.bytes },
  ];
  const symbols = [
    ...Array.from({ length: maps }, (_, index) => ({ name: `m${index}`, section: 2, type: ELF.OBJECT })),
    ...Array.from({ length: programs }, () => ({ name: "p", section: 1, type: ELF.FUNCTION, size: code.length })),
  ];
  const ebpf = writeElf({ is64Bit: true, isLittleEndian: true }, sections, symbols);
  for (const key of ["ebpf.flowchart", "ebpf.sequence"]) {
    assert.throws(() => inspectGadget({ ...imageOf("params"), ebpf }, { key }), /use maps in too many ways/);
  }
});

Deno.test("a section of variables without any is no map", () => {
  const ebpf = writeElf({ is64Bit: true, isLittleEndian: true }, [
    { name: ".data", flags: ELF.ALLOC, bytes: new Uint8Array() },
    { name: ".rodata.x", flags: ELF.ALLOC, bytes: new Uint8Array(4) },
    { name: ".rodata", flags: ELF.ALLOC, bytes: new Uint8Array(4) },
  ]);
  const [maps] = inspectGadget({ ...imageOf("params"), ebpf }, { key: "ebpf.maps" });
  assert.equal(maps?.content, '[{"Name":".rodata.x","Type":"Array"}]');
});
