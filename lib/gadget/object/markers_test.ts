import { strict as assert } from "node:assert";
import type { BtfBuilder } from "../btf/_write_btf.ts";
import { dataSourceOf, readMarkers } from "./markers.ts";
import { objectWithPrograms } from "./_object_with_programs.ts";
import { readEbpfObject } from "./object.ts";

const GADGETS = new URL("../../../tests/fixtures/gadgets/", import.meta.url);

/** The kernel's numbers of kinds of maps. */
const [HASH, PERF, RING] = [1, 4, 27];

function markersOf(build: (types: BtfBuilder) => void) {
  return readMarkers(objectWithPrograms(build).btf!);
}

Deno.test("markers are read in their order, with the names that they have in them", () => {
  const { markers, problems } = markersOf((types) => {
    types.marker("gadget_tracer_exec___events___event");
    types.marker("gadget_mapiter_counts___stats");
    types.marker("gadget_iter_tasks___row___first___second");
    types.marker("gadget_snapshotter_files___row___first");
    types.marker("gadget_param_pid_to_trace");
    types.marker("gadget_param_a___b");
    types.marker("gadgets_are_good");
  });
  assert.deepEqual(markers, [
    { kind: "tracer", name: "exec", map: "events", struct: "event" },
    { kind: "mapiter", name: "counts", map: "stats" },
    { kind: "iter", name: "tasks", struct: "row", programs: ["first", "second"], isDeprecated: false },
    { kind: "iter", name: "files", struct: "row", programs: ["first"], isDeprecated: true },
    { kind: "param", variable: "pid_to_trace" },
    { kind: "param", variable: "a___b" },
  ]);
  assert.deepEqual(problems, []);
});

Deno.test("static and external variables are no markers", () => {
  const { markers, problems } = markersOf((types) => {
    types.variable("gadget_param_static", types.int(), "static");
    types.variable("gadget_param_extern", types.int(), "extern");
  });
  assert.deepEqual([markers, problems], [[], []]);
});

/** What a marker's variable is instead, and the problem that it is. */
const PROBLEMS: [what: string, build: (types: BtfBuilder) => void, text: string][] = [
  ["no pointer", (types) => types.variable("gadget_param_p", types.int()), '"gadget_param_p" is not a pointer'],
  [
    "a pointer that may be written through",
    (types) => types.variable("gadget_param_p", types.pointer(0)),
    '"gadget_param_p" is not const',
  ],
  [
    "a pointer to numbers",
    (types) =>
      types.variable("gadget_param_p", types.pointer(types.add({ kind: "const", name: "", typeId: types.int() }))),
    '"gadget_param_p" is not a const void pointer',
  ],
  [
    "a tracer without a structure",
    (types) => types.marker("gadget_tracer_a___b"),
    '"gadget_tracer_a___b" is not of the form gadget_tracer_NAME___MAP___STRUCT',
  ],
  [
    "a tracer with too much",
    (types) => types.marker("gadget_tracer_a___b___c___d"),
    '"gadget_tracer_a___b___c___d" is not of the form gadget_tracer_NAME___MAP___STRUCT',
  ],
  [
    "a map iterator without a map",
    (types) => types.marker("gadget_mapiter_a"),
    '"gadget_mapiter_a" is not of the form gadget_mapiter_NAME___MAP',
  ],
  [
    "a map iterator with too much",
    (types) => types.marker("gadget_mapiter_a___b___c"),
    '"gadget_mapiter_a___b___c" is not of the form gadget_mapiter_NAME___MAP',
  ],
  [
    "an iterator without programs",
    (types) => types.marker("gadget_iter_a___b"),
    '"gadget_iter_a___b" is not of the form gadget_iter_NAME___STRUCT___PROGRAM...',
  ],
  [
    "an iterator by its old name without programs",
    (types) => types.marker("gadget_snapshotter_a"),
    '"gadget_snapshotter_a" is not of the form gadget_snapshotter_NAME___STRUCT___PROGRAM...',
  ],
];

for (const [what, build, text] of PROBLEMS) {
  Deno.test(`a marker that is ${what} is a problem`, () => {
    const { markers, problems } = markersOf(build);
    assert.deepEqual([markers, problems.map((problem) => problem.text)], [[], [text]]);
    assert.ok(text.startsWith(`"${problems[0]!.variable}"`));
  });
}

Deno.test("of thousands of markers some are read", () => {
  const { markers, problems } = markersOf((types) => {
    for (let count = 0; count < 5000; count++) types.marker(`gadget_param_${count}`);
  });
  assert.equal(markers.length, 4096);
  assert.deepEqual(problems, [{ variable: "gadget_param_4096", text: "there are more than 4096 markers" }]);
});

/** Sources of records as they are in a gadget, by its fixture. */
const SOURCES: Record<string, unknown[]> = {
  "trace-ringbuf": [{ kind: "tracer", name: "open", structs: ["open_event"], map: "opens", programs: [] }],
  "trace-perf": [{ kind: "tracer", name: "exit", structs: ["exit_event"], map: "exits", programs: [] }],
  "top-mapiter": [{
    kind: "mapiter",
    name: "writers",
    structs: ["who", "amount"],
    map: "writes",
    programs: [],
  }],
  "snap-iter": [{
    kind: "iter",
    name: "tasks",
    structs: ["task_row"],
    map: undefined,
    programs: ["list_tasks", "list_files"],
  }],
};

for (const [name, expected] of Object.entries(SOURCES)) {
  Deno.test(`the source of records of ${name} is found`, () => {
    const object = readEbpfObject(Deno.readFileSync(new URL(`${name}/objects/amd64.bpf.o`, GADGETS)), name);
    const found = readMarkers(object.btf!).markers.flatMap((marker) => dataSourceOf(object, marker) ?? []);
    const names = found.map(({ structs, map, ...source }) => ({
      ...source,
      structs: structs.map((struct) => struct.name),
      map: map?.name,
    }));
    assert.deepEqual(names, expected);
  });
}

/** What a marker names, and why it cannot be. */
const REFUSED: [what: string, marker: string, build: (types: BtfBuilder) => void, message: string][] = [
  [
    "a map that is not there",
    "gadget_tracer_t___events___event",
    (types) => types.struct("event", []),
    'tracer "t": the object has no map "events"',
  ],
  [
    "a map of another kind",
    "gadget_tracer_t___events___event",
    (types) => {
      types.struct("event", []);
      types.section(".maps", [types.map("events", { type: HASH })]);
    },
    'tracer "t": its map "events" is a Hash, not a RingBuf or a PerfEventArray',
  ],
  [
    "a structure that is not there",
    "gadget_tracer_t___events___event",
    (types) => types.section(".maps", [types.map("events", { type: RING })]),
    'tracer "t": the object\'s BTF has no struct "event"',
  ],
  [
    "a union",
    "gadget_tracer_t___events___event",
    (types) => {
      types.add({ kind: "union", name: "event", size: 8, members: [] });
      types.section(".maps", [types.map("events", { type: PERF })]);
    },
    'tracer "t": "event" is a union, not a struct',
  ],
  [
    "a map that is not there, to iterate over",
    "gadget_mapiter_m___counts",
    () => {},
    'map iterator "m": the object has no map "counts"',
  ],
  [
    "a ring buffer to iterate over",
    "gadget_mapiter_m___counts",
    (types) => types.section(".maps", [types.map("counts", { type: RING })]),
    'map iterator "m": its map "counts" is a RingBuf, not a Hash',
  ],
  [
    "a map with numbers as keys",
    "gadget_mapiter_m___counts",
    (types) =>
      types.section(".maps", [
        types.map("counts", { type: HASH }, { key: types.int(), value: types.struct("value", []) }),
      ]),
    'map "counts": its key is no struct',
  ],
  [
    "a map whose values are not declared",
    "gadget_mapiter_m___counts",
    (types) => types.section(".maps", [types.map("counts", { type: HASH }, { key: types.struct("key", []) })]),
    'map "counts": its value is no struct',
  ],
  [
    "a program that is not there",
    "gadget_iter_i___row___lister",
    (types) => types.struct("row", []),
    'iterator "i": the object has no program "lister"',
  ],
  [
    "a function that is no program",
    "gadget_iter_i___row___helper",
    (types) => types.struct("row", []),
    'iterator "i": the object has no program "helper"',
  ],
  [
    "a program that is no iterator",
    "gadget_iter_i___row___probe",
    (types) => types.struct("row", []),
    'iterator "i": the program "probe" is in section "kprobe/f", not in "iter/..."',
  ],
  [
    "rows of a structure that is not there",
    "gadget_iter_i___row___iterates",
    () => {},
    'iterator "i": the object\'s BTF has no struct "row"',
  ],
];

for (const [what, name, build, message] of REFUSED) {
  Deno.test(`a marker that names ${what} is invalid`, () => {
    const object = objectWithPrograms((types) => {
      build(types);
      types.marker(name);
    }, { probe: "kprobe/f", iterates: "iter/task", helper: ".text" });
    const [marker] = readMarkers(object.btf!).markers;
    assert.throws(() => dataSourceOf(object, marker!), { code: "invalid", message });
  });
}

Deno.test("the marker of a parameter is no source of records", () => {
  const object = objectWithPrograms(() => {});
  assert.equal(dataSourceOf(object, { kind: "param", variable: "v" }), undefined);
});
