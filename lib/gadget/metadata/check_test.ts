import { strict as assert } from "node:assert";
import fc from "fast-check";
import { MAX_METADATA_SIZE } from "./bounds.ts";
import { checkMetadata, type StrictMetadata } from "./check.ts";

/** The problems of a text, each in a line as it would be shown. */
function problems(text: string | Uint8Array): string[] {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return checkMetadata(bytes, "gadget.yaml").problems.map(({ line, column, severity, text }) =>
    `${line}:${column} ${severity}: ${text}`
  );
}

function read(text: string): StrictMetadata {
  const { metadata } = checkMetadata(new TextEncoder().encode(text), "gadget.yaml");
  assert.ok(metadata, problems(text).join("\n"));
  return metadata;
}

const TOP = "a map with name, description and the like";

for (
  const [what, text, ...expected] of [
    ["an empty file", "", "1:1 error: gadget.yaml has no content"],
    ["nothing but comments", "# a\n---\n", "1:1 error: gadget.yaml has no content"],
    [
      "a list that does not end",
      "name: [unclosed",
      "1:16 error: Flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
    ["a tab as indentation", "a:\n\tb: c", "2:1 error: Tabs are not allowed as indentation"],
    ["a list", "- a", `1:1 error: the file has to be ${TOP}, not a list`],
    ["a text", "hello", `1:1 error: the file has to be ${TOP}, not "hello"`],
    ["a list as a name", "name: [a]", "1:7 error: name has to be a text, not a list"],
    ["annotations in a list", "annotations:\n- a", "2:1 error: annotations has to be a map of texts, not a list"],
    ["a map as an annotation", "annotations: {a: {b: c}}", "1:18 error: annotations.a has to be a text, not a map"],
    [
      "data sources in a list",
      "datasources: [a]",
      "1:14 error: datasources has to be a map from data sources to what is known of them, not a list",
    ],
    [
      "a number as a field",
      "datasources:\n  open:\n    fields: {pid: 5}",
      '3:19 error: datasources.open.fields.pid has to be a map with annotations, not "5"',
    ],
    [
      "parameters in a list",
      "params:\n  ebpf: [a]",
      "2:9 error: params.ebpf has to be a map from variables to parameters, not a list",
    ],
    [
      "no truth value",
      "params: {ebpf: {a: {isMandatory: maybe}}}",
      '1:34 error: params.ebpf.a.isMandatory has to be true or false, not "maybe"',
    ],
    [
      "a truth value in quotes, which is a text",
      'params: {ebpf: {a: {isMandatory: "yes"}}}',
      '1:34 error: params.ebpf.a.isMandatory has to be true or false, not "yes"',
    ],
    [
      "a text as possible values",
      "params: {ebpf: {a: {possibleValues: abc}}}",
      '1:37 error: params.ebpf.a.possibleValues has to be a list of texts, not "abc"',
    ],
    [
      "tags in a map",
      "params: {ebpf: {a: {tags: {a: b}}}}",
      "1:27 error: params.ebpf.a.tags has to be a list of texts, not a map",
    ],
    ["an alias of nothing", "name: *a", '1:7 error: there is no anchor "a" before this alias'],
    ["a list as a key", "? [a]\n: b", "1:3 error: a key has to be a text"],
    ["a merge of a text", "<<: a", "1:5 error: << merges maps, and this is none"],
    ["bytes as base64", "name: !!binary aGk=", "1:16 error: !!binary is not read here"],
    ["a number that is none", "name: !!int x", '1:13 error: "x" is no !!int'],
    ["a control character", "name: a\n# \x1b[2J", "2:3 error: a control character"],
    ["an anchor within itself", "a: &a [*a]", "1:7 error: this nests more than 30 levels deep"],
    [
      "brackets by the hundred",
      `name: ${"[".repeat(100)}`,
      "1:57 error: this nests too deep, or too much of it is in one line",
    ],
    ["too much", "#".repeat(MAX_METADATA_SIZE + 1), `1:1 error: gadget.yaml is longer than ${MAX_METADATA_SIZE} bytes`],
  ] as const
) {
  Deno.test(`${what} is refused with its place`, () => {
    assert.deepEqual(problems(text), expected);
    assert.equal(checkMetadata(new TextEncoder().encode(text), "gadget.yaml").metadata, undefined);
  });
}

Deno.test("bytes that are no UTF-8 are refused where they are, behind characters of several bytes too", () => {
  const bytes = new Uint8Array([...new TextEncoder().encode("name: é\ntitle: é\uFFFD"), 0xc3]);
  assert.deepEqual(problems(bytes), ["2:10 error: this is not UTF-8"]);
});

Deno.test("several problems are told at once, in the order of the file", () => {
  const text = "params:\n  ebpf:\n    a:\n      isMandatory: 1\n      tags: b\nnmae: c\nname: {}\n";
  assert.deepEqual(problems(text), [
    '4:20 error: params.ebpf.a.isMandatory has to be true or false, not "1"',
    '5:13 error: params.ebpf.a.tags has to be a list of texts, not "b"',
    "6:1 warning: nmae is not known; did you mean name?",
    "7:7 error: name has to be a text, not a map",
  ]);
});

for (
  const [what, text, ...expected] of [
    ["of a key", "Description: a", "1:1 warning: Description is not known; did you mean description?"],
    ["of a key that nobody can guess", "vendor: a", "1:1 warning: vendor is not known"],
    [
      "of what older versions had",
      "ebpfParams: {a: {key: a}}",
      "1:1 warning: ebpfParams is not known; did you mean params.ebpf?",
    ],
    [
      "of a data source's key",
      "datasources: {a: {feilds: {}}}",
      "1:19 warning: datasources.a.feilds is not known; did you mean fields?",
    ],
    [
      "of a field's key",
      "datasources: {a: {fields: {b: {template: pid}}}}",
      "1:32 warning: datasources.a.fields.b.template is not known",
    ],
    [
      "of a parameter's key",
      "params: {x: {a: {kye: b}}}",
      "1:18 warning: params.x.a.kye is not known; did you mean key?",
    ],
    [
      "of a key that stands there twice",
      "name: a\nname: b",
      '2:1 warning: the key "name" stands in line 1 too; the last one counts',
    ],
    ["of a second document", "name: a\n---\n[", "2:1 warning: only the first document counts, and this is the second"],
    [
      "of a width that is none",
      "datasources: {a: {fields: {b: {annotations: {columns.width: wide}}}}}",
      '1:61 warning: columns.width has to be a number, not "wide"',
    ],
    [
      "of an unknown alignment",
      "datasources: {a: {fields: {b: {annotations: {columns.alignment: centre}}}}}",
      '1:65 warning: columns.alignment has to be left or right, not "centre"',
    ],
    [
      "of an unknown template",
      "datasources: {a: {fields: {b: {annotations: {template: timestmap}}}}}",
      '1:56 warning: template has to be a template that is known (timestamp?), not "timestmap"',
    ],
    [
      "of an interval without unit",
      "datasources: {a: {annotations: {fetch-interval: 5}}}",
      '1:49 warning: fetch-interval has to be a duration (500ms, 2s), not "5"',
    ],
    [
      "of an alias of two letters",
      "params: {ebpf: {a: {alias: pp}}}",
      '1:28 warning: alias has to be one letter: "pp"',
    ],
    [
      "of a default that is not possible",
      "params: {ebpf: {a: {defaultValue: x, possibleValues: [y]}}}",
      '1:35 warning: defaultValue is not one of possibleValues: "x"',
    ],
  ] as const
) {
  Deno.test(`one is warned ${what}, and the file is read`, () => {
    assert.deepEqual(problems(text), expected);
    read(text);
  });
}

Deno.test("annotations that nobody knows, and data sources, fields and operators of any name pass", () => {
  const text =
    "datasources: {a: {annotations: {x.y: z}, fields: {__proto__: {annotations: {my.note: 1}}, constructor: }}}\n" +
    "params: {wasm: {a: {key: }}, other: {}}\nannotations: {a: b}";
  assert.deepEqual(problems(text), []);
  assert.deepEqual([...read(text).dataSources.get("a")!.fields.keys()], ["__proto__", "constructor"]);
});

Deno.test("scalars are texts as they are written, and what is null is not there", () => {
  const { name, description, homepageURL, annotations } = read(
    "name: 010\ndescription: yes\nhomepageURL: ~\nannotations: {a: 2.50, b: 2020-01-01, c: null, d: , e: 'null', f: !!str ~, ~: g}",
  );
  assert.deepEqual([name, description, homepageURL], ["010", "yes", ""]);
  assert.deepEqual(annotations, [["a", "2.50"], ["b", "2020-01-01"], ["e", "null"], ["f", "~"], ["", "g"]]);
});

Deno.test("yes and on are truth values, in any of the ways that YAML 1.1 has", () => {
  for (const [word, expected] of [["yes", true], ["On", true], ["y", true], ["NO", false], ["off", false]] as const) {
    const metadata = read(`params: {ebpf: {a: {isMandatory: ${word}}}}`);
    assert.equal(metadata.params.get("ebpf")!.get("a")!.isMandatory, expected, word);
  }
});

Deno.test("merges and anchors work, a byte order mark is no character, and of two keys the last one counts", () => {
  const metadata = read("\uFEFFx: &x {a: b, c: d}\nname: e\nname: f\nannotations:\n  <<: *x\n  c: g\n");
  assert.equal(metadata.name, "f");
  assert.deepEqual(metadata.annotations, [["a", "b"], ["c", "g"]]);
});

Deno.test("aliases that double with each step end", () => {
  const lines = Array.from({ length: 30 }, (_, at) => `a${at + 1}: &a${at + 1} {x: *a${at}, y: *a${at}}`);
  const [first, ...more] = problems(["a0: &a0 b", ...lines].join("\n")).filter((each) => each.includes("error"));
  assert.match(first!, /more than 5000 values|30 levels/);
  assert.ok(more.length < 5);
});

Deno.test("as many problems as somebody would read are told, and errors before warnings", () => {
  const unknown = Array.from({ length: 500 }, (_, at) => `k${at}: 1`);
  const told = problems([...unknown, "name: []"].join("\n"));
  assert.equal(told.length, 101);
  assert.equal(told.at(-1), "501:7 error: name has to be a text, not a list");
});

Deno.test("whatever the bytes are, problems come out", () => {
  const piece = fc.constantFrom(
    ..."name annotations datasources params ebpf fields a b : - ? | > [ ] { } , & * ! % @ # ' \" << --- ... yes ~ \n"
      .split(" "),
    "\n",
    "\n  ",
    ": ",
    "- ",
    "\t",
    "&a ",
    "*a",
    "!!binary ",
    "<<: *a",
    "\r",
    "\u0000",
    "é",
  );
  const text = fc.array(piece, { maxLength: 60 }).map((pieces) => new TextEncoder().encode(pieces.join("")));
  fc.assert(
    fc.property(fc.oneof(text, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      const { problems, metadata } = checkMetadata(bytes, "gadget.yaml");
      assert.equal(metadata === undefined, problems.some(({ severity }) => severity === "error"));
      for (const { line, column } of problems) assert.ok(line >= 1 && column >= 1);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("the example of the manual is right", () => {
  const manual = Deno.readTextFileSync(new URL("../../../docs/gadget-yaml.md", import.meta.url));
  const [, example] = /^```yaml\n(.*?)^```/ms.exec(manual)!;
  assert.deepEqual(problems(example!), []);
  assert.equal(read(example!).params.get("ebpf")!.get("target_uid")!.alias, "u");
});
