import { strict as assert } from "node:assert";
import fc from "fast-check";
import type { MapOperation, MapUse } from "../object/map_uses.ts";
import { flowchart, sequenceDiagram } from "./mermaid.ts";

const use = (map: string, operation: MapOperation): MapUse => ({ map, operation });

const chartOf = (...drawn: Parameters<typeof flowchart>) => textOf(flowchart(...drawn));
const sequenceOf = (...drawn: Parameters<typeof sequenceDiagram>) => textOf(sequenceDiagram(...drawn));
const textOf = (lines: Iterable<string>) => [...lines].map((line) => `${line}\n`).join("");

Deno.test("maps and programs are sorted by name, arrows are in the order of the code", () => {
  const programs = [
    { name: "b", uses: [] },
    { name: "a", uses: [use("y", "Lookup"), use("x", "EventOutput"), use("y", "Delete")] },
  ];
  assert.equal(
    chartOf(["y", "x"], programs),
    'flowchart LR\nx[("x")]\ny[("y")]\na -- "Lookup+Delete" --> y\na -- "EventOutput" --> x\na["a"]\nb["b"]\n',
  );
});

Deno.test("looking up, updating and deleting are one arrow, in this order; all else is one by itself", () => {
  const uses = [use("q", "Delete"), use("q", "Push"), use("q", "Update"), use("q", "Pop"), use("q", "Lookup")];
  assert.deepEqual(chartOf([], [{ name: "p", uses }]).split("\n").slice(1, -2), [
    'p -- "Lookup+Update+Delete" --> q',
    'p -- "Push" --> q',
    'p -- "Pop" --> q',
  ]);
});

Deno.test("in a sequence maps are in the order of their first use, and only those that are used", () => {
  const programs = [{ name: "b", uses: [use("m2", "Lookup")] }, {
    name: "a",
    uses: [use("m1", "Update"), use("m2", "Pop")],
  }];
  assert.equal(
    sequenceOf(programs),
    "sequenceDiagram\nbox eBPF Programs\nparticipant a\nparticipant b\nend\nbox eBPF Maps\nparticipant m1\n" +
      "participant m2\nend\na->>m1: Update\na->>m2: Pop\nb->>m2: Lookup\n",
  );
});

Deno.test("a name that means something to Mermaid is a node all the same", () => {
  assert.equal(chartOf(["end"], []), 'flowchart LR\nnode-1[("end")]\n');
  assert.match(sequenceOf([{ name: "Note", uses: [] }]), /^participant node-1 as Note$/m);
});

Deno.test("a name cannot end its node and begin another", () => {
  const hostile = '"];click x "javascript:alert(1)";\n%%{init}%%\nend';
  const chart = chartOf([hostile], [{ name: "p", uses: [use(hostile, "Lookup")] }]);
  assert.equal(chart.split("\n").length, 5);
  assert.ok(!chart.includes("javascript:") && !chart.includes("%%"));
});

Deno.test("whatever names are, each node is a line of the form that ig writes, and two names are two nodes", () => {
  const name = fc.oneof(
    fc.string({ unit: "binary-ascii", minLength: 1 }),
    fc.constantFrom("end", "node-1", "node_1", "a;b", 'x"]', "#quot;", "-->", "\u2028", "\ud83d"),
  );
  fc.assert(fc.property(fc.uniqueArray(name, { maxLength: 6 }), (names) => {
    const lines = chartOf(names, []).split("\n").slice(1, -1);
    assert.equal(lines.length, names.length);
    for (const line of lines) assert.match(line, /^[A-Za-z0-9_.-]+\[\("([A-Za-z0-9_.]|#\d+;)+"\)\]$/);
    assert.equal(new Set(lines.map((line) => line.split("[")[0])).size, names.length);
  }));
});
