import { strict as assert } from "node:assert";
import { readEbpfObject } from "../object/object.ts";
import { checkAgainstObject, checkMarkers, checkMetadata } from "./check.ts";

const NO_STRUCT =
  `tracer "exit": the object's BTF has no struct "exit_event"; clang leaves out what nothing refers to; ` +
  "a global variable keeps it: const struct exit_event *unused_exit_event;";

function problems(text: string, gadget: string | undefined, architecture = "amd64"): string[] {
  const { metadata } = checkMetadata(new TextEncoder().encode(text), "gadget.yaml");
  assert.ok(metadata);
  const path = `../../../tests/fixtures/gadgets/${gadget}/objects/${architecture}.bpf.o`;
  const object = gadget && readEbpfObject(Deno.readFileSync(new URL(path, import.meta.url)), gadget);
  return checkAgainstObject(metadata, object || undefined).map(({ line, column, severity, text }) =>
    `${line}:${column} ${severity}: ${text}`
  );
}

Deno.test("what the real tool builds is right for its objects, those of both architectures", () => {
  for (const gadget of ["kinds", "params", "snap-iter", "top-mapiter", "trace-perf", "trace-ringbuf"]) {
    const source = new URL(`../../../tests/fixtures/gadgets/${gadget}/source/gadget.yaml`, import.meta.url);
    for (const architecture of ["amd64", "arm64"]) {
      assert.deepEqual(problems(Deno.readTextFileSync(source), gadget, architecture), []);
    }
  }
});

for (
  const [what, text, gadget, ...expected] of [
    [
      "a parameter without a variable",
      "params:\n  ebpf:\n    prot: {key: port}",
      "params",
      '3:5 error: variable "prot" not found in the eBPF object; did you mean port?',
    ],
    [
      "one that is called like a function",
      "params:\n  ebpf:\n    on_kill: {key: a}",
      "params",
      '3:5 error: "on_kill" is a func of the eBPF object, not a variable',
    ],
    ["one without a key", "params:\n  ebpf:\n    port: {}", "params", '3:5 error: the parameter "port" has no key'],
    [
      "one whose key is empty",
      'params:\n  ebpf:\n    port:\n      title: a\n      key: ""',
      "params",
      '5:7 error: the parameter "port" has no key',
    ],
    [
      "two of them, each with all that is wrong",
      "params:\n  ebpf:\n    bar: {}\n    port: {}",
      "params",
      '3:5 error: variable "bar" not found in the eBPF object; did you mean big?',
      '3:5 error: the parameter "bar" has no key',
      '4:5 error: the parameter "port" has no key',
    ],
    [
      "a type that is not that of the variable",
      "params:\n  ebpf:\n    port: {key: port, type: uint32}\n    offset: {key: o, type: int}",
      "params",
      "3:23 warning: type is uint32, but the variable is of the type uint16 (__u16)",
    ],
    [
      "a default that is not one of the variable's type",
      'params:\n  ebpf:\n    port:\n      key: p\n      defaultValue: "70000"\n    tiny: {key: a, defaultValue: "255"}',
      "params",
      '5:7 warning: defaultValue is "70000", but the variable is of the type uint16 (__u16)',
    ],
    [
      "a text that is longer than its variable",
      "params:\n  ebpf:\n    prefix: {key: p, type: string, defaultValue: abcdefghi}",
      "params",
      '3:36 warning: defaultValue is "abcdefghi", but the variable has room for 8 bytes',
    ],
    [
      "a variable that is not constant",
      "params: {ebpf: {_license: {key: a}}}",
      "params",
      '1:17 error: "_license" is not const',
    ],
    [
      "parameters of a gadget without a program",
      "name: a\nparams:\n  ebpf: {port: {key: port}}",
      undefined,
      "3:3 error: params.ebpf needs an eBPF program, and there is none",
    ],
    [
      "a data source that is not marked",
      "datasources:\n  opne: {}",
      "trace-ringbuf",
      '2:3 warning: no data source "opne" is marked in the eBPF program; did you mean open?',
    ],
    [
      "a field that the structure does not have",
      "datasources:\n  open:\n    fields:\n      comm: {}\n      flgas: {}",
      "trace-ringbuf",
      '5:7 warning: there is no field "flgas" in struct open_event; did you mean flags?',
    ],
    [
      "a field that neither key nor value have",
      "datasources: {writers: {fields: {pid: , bytes: , nothing: }}}",
      "top-mapiter",
      '1:50 warning: there is no field "nothing" in struct who and struct amount',
    ],
    [
      "a marker whose structure is not there",
      "name: a\ndatasources:\n  exit: {}",
      "ebpf-no-metadata",
      `3:3 error: ${NO_STRUCT}`,
    ],
  ] as const
) {
  Deno.test(`${what}: told with the place`, () => assert.deepEqual(problems(text, gadget), expected));
}

Deno.test("a broken marker that gadget.yaml does not speak of is at no place of it, and without the file no error", () => {
  const path = new URL("../../../tests/fixtures/gadgets/ebpf-no-metadata/objects/amd64.bpf.o", import.meta.url);
  const object = readEbpfObject(Deno.readFileSync(path), "object");
  const found = (text: string) => checkMarkers(checkMetadata(new TextEncoder().encode(text), "").metadata, object);
  assert.deepEqual(found("name: a"), [{ severity: "error", text: NO_STRUCT }]);
  assert.deepEqual(problems("name: a", "ebpf-no-metadata"), []);
  assert.deepEqual(found("datasources: {exit: }"), []);
  assert.deepEqual(checkMarkers(undefined, object), [{ severity: "warning", text: NO_STRUCT }]);
});

Deno.test("members of members, what is made of a field, and what operators add are fields too", () => {
  const fields =
    "leaf.a: , either.whole: , unnamed_type.x: , .inner_a: , colour: , colour_raw: , k8s.podName: , colour.of: , leaf.k8s.name: , u8: , mine: ";
  assert.deepEqual(
    problems(
      `datasources: {kinds: {fields: {${fields}, s8: {annotations: {formatters.errno.target: mine}}}}}`,
      "kinds",
    ),
    [],
  );
});

Deno.test("where a Wasm module may make data sources and fields, nobody is warned of them", () => {
  const text = "datasources: {other: , open: {fields: {mine: }}}\nparams: {ebpf: {x: {key: x}}}";
  const { metadata } = checkMetadata(new TextEncoder().encode(text), "gadget.yaml");
  const path = new URL("../../../tests/fixtures/gadgets/trace-ringbuf/objects/amd64.bpf.o", import.meta.url);
  const object = readEbpfObject(Deno.readFileSync(path), "object");
  assert.equal(checkAgainstObject(metadata!, object).length, 3);
  assert.deepEqual(checkAgainstObject(metadata!, object, { hasWasm: true }).map(({ line }) => line), [2]);
});

Deno.test("parameters of other operators are not looked for in the program", () => {
  assert.deepEqual(problems("params: {wasm: {a: {key: }}, other: {b: }}", "params"), []);
  assert.deepEqual(problems("params: {wasm: {a: }, ebpf: }\ndatasources: {a: }", undefined), []);
});
