import { strict as assert } from "node:assert";
import fc from "fast-check";
import { hasCode, SatchelError } from "../../error.ts";
import { type EbpfObject, readEbpfObject } from "../object/object.ts";
import { checkAgainstObject, checkMetadata } from "./check.ts";
import { updateMetadata } from "./update.ts";

const FIXTURES = new URL("../../../tests/fixtures/gadgets/", import.meta.url);

function objectOf(gadget: string): EbpfObject {
  return readEbpfObject(Deno.readFileSync(new URL(`${gadget}/objects/amd64.bpf.o`, FIXTURES)), gadget);
}

function sourceOf(gadget: string): string {
  return Deno.readTextFileSync(new URL(`${gadget}/source/gadget.yaml`, FIXTURES));
}

/** The lines of a text that another one lacks, if all that this one has are in it in the same order. */
function addedLines(before: string, after: string): string[] {
  const kept = before.split("\n");
  const added = after.split("\n").filter((line) => {
    if (line !== kept[0]) return true;
    kept.shift();
    return false;
  });
  assert.deepEqual(kept, [], `lines of the author are gone:\n${after}`);
  return added;
}

const TOP = "name: a\ndescription: b\nhomepageURL: c\ndocumentationURL: d\nsourceURL: e\n";

const SEQ_NUM = `      seq_num:
        annotations:
          columns.alignment: right
          columns.width: "20"
          description: 'TODO: Fill field description'
`;
const LAST = SEQ_NUM.replace("seq_num", "last").replace("20", "4");
const NUMBER = SEQ_NUM.replace("seq_num", "number").replace("20", "10");

Deno.test("what ig adds to a file is added, with what the types tell, and in its order", () => {
  assert.equal(
    updateMetadata(sourceOf("snap-iter"), objectOf("snap-iter")),
    `name: fixture snapshot
description: 'TODO: Fill the gadget description'
homepageURL: 'TODO: Fill the gadget homepage URL'
documentationURL: 'TODO: Fill the gadget documentation URL'
sourceURL: 'TODO: Fill the gadget source code URL'
datasources:
  tasks:
    fields:
${LAST}      number:
        annotations:
          description: running number
${SEQ_NUM}`,
  );
});

Deno.test("a file is made for an object that has none, and it is right for this object", () => {
  for (const gadget of ["kinds", "params", "snap-iter", "top-mapiter", "trace-ringbuf"]) {
    const object = objectOf(gadget);
    const { problems, metadata } = checkMetadata(new TextEncoder().encode(updateMetadata(undefined, object)), "f");
    assert.deepEqual([problems, checkAgainstObject(metadata!, object)], [[], []]);
  }
});

Deno.test("parameters come with what the program has as their values, and those that are there keep all that they say", () => {
  const source = sourceOf("params");
  const added = addedLines(source, updateMetadata(source, objectOf("params"))).join("\n");
  const param = (name: string, value: string, type: string) =>
    `    ${name}:\n      key: ${name}\n      defaultValue: "${value}"\n      description: 'TODO: Fill parameter description'\n      type: ${type}`;
  for (
    const [name, value, type] of [["big", "-9000000000", "int64"], ["targ_uid", "4294967295", "uint32"], [
      "verbose",
      "true",
      "bool",
    ]] as const
  ) assert.ok(added.includes(param(name, value, type)), added);
  assert.ok(!added.includes("prefix"));
});

Deno.test("a parameter without a key gets one, since nothing can be built without", () => {
  const source = `${TOP}params:\n  ebpf:\n    verbose: {alias: v} # say more\n`;
  const updated = updateMetadata(source, objectOf("params"));
  assert.ok(updated.includes("    verbose: {alias: v, key: verbose} # say more\n"), updated);
});

for (
  const [what, before, after] of [
    [
      "comments stay where they are",
      "datasources: # d\n  # t1\n  tasks: # t2\n    # f\n    fields:\n      # n\n      number: {} # none\n  # end\n# of all\n",
      `datasources: # d\n  # t1\n  tasks: # t2\n    # f\n    fields:\n${LAST}      # n\n      number: {} # none\n${SEQ_NUM}  # end\n# of all\n`,
    ],
    [
      "the author's order stays where it is another one, and what is new comes behind",
      "datasources:\n  tasks:\n    fields:\n      seq_num: {}\n      last: {}\n    annotations: {}\n",
      `datasources:\n  tasks:\n    fields:\n      seq_num: {}\n      last: {}\n${NUMBER}    annotations: {}\n`,
    ],
    [
      "quotes, blanks, empty lines and long lines stay",
      `"datasources" :\n\n  'tasks':   # x\n    fields :\n      number:  {annotations:   { 'description'  : "${
        "long ".repeat(40)
      }" } }\n\n`,
      `"datasources" :\n\n  'tasks':   # x\n    fields :\n${LAST}      number:  {annotations:   { 'description'  : "${
        "long ".repeat(40)
      }" } }\n${SEQ_NUM}\n`,
    ],
    [
      "braces are gone into",
      "datasources: {tasks: {fields: {number, last: {}}}}\n",
      `datasources: {tasks: {fields: {number: {annotations: {columns.alignment: right, columns.width: "10", description: 'TODO: Fill field description'}}, last: {}, seq_num: {annotations: {columns.alignment: right, columns.width: "20", description: 'TODO: Fill field description'}}}}}\n`,
    ],
    [
      "empty braces become lines",
      "datasources:\n  tasks:\n    fields: {}\n",
      `datasources:\n  tasks:\n    fields:\n${LAST}${NUMBER}${SEQ_NUM}`,
    ],
    [
      "the author's indentation is taken over",
      "datasources:\n   tasks:\n      fields:\n         number: {}\n         seq_num: {}\n",
      `datasources:\n   tasks:\n      fields:\n         last:\n            annotations:\n               columns.alignment: right\n               columns.width: "4"\n               description: 'TODO: Fill field description'\n         number: {}\n         seq_num: {}\n`,
    ],
    [
      "an alias stays one, and what it lacks is beside it",
      "x: &f {number: {}, last: {}}\ndatasources:\n  tasks:\n    fields: *f\n",
      `x: &f {number: {}, last: {}}\ndatasources:\n  tasks:\n    fields:\n      <<: *f\n${SEQ_NUM}`,
    ],
    [
      "a text of several lines stays whole",
      "datasources:\n  tasks:\n    fields:\n      last: {}\n      number:\n        annotations:\n          description: |+\n            a\n\n\nannotations: {}\n",
      `datasources:\n  tasks:\n    fields:\n      last: {}\n      number:\n        annotations:\n          description: |+\n            a\n\n\n${SEQ_NUM}annotations: {}\n`,
    ],
    [
      "a file whose last line does not end gets an end",
      "datasources:\n  tasks:\n    fields:\n      last: {}\n      number: {}",
      `datasources:\n  tasks:\n    fields:\n      last: {}\n      number: {}\n${SEQ_NUM}`,
    ],
  ] as const
) {
  Deno.test(`when a file is completed, ${what}`, () => {
    const updated = updateMetadata(TOP + before, objectOf("snap-iter"));
    assert.equal(updated, TOP + after);
    assert.equal(updateMetadata(updated, objectOf("snap-iter")), updated);
  });
}

Deno.test("line ends of DOS and a byte order mark stay", () => {
  const updated = updateMetadata("\uFEFFname: a\r\n", objectOf("snap-iter"));
  assert.ok(updated.startsWith("\uFEFFname: a\r\ndescription: "));
  assert.equal(updated.replaceAll("\r\n", "").includes("\n"), false);
});

Deno.test("a licence above the first key stays above, a comment of the key beside it", () => {
  const updated = updateMetadata("# Copyright\n\n# about\ndescription: b\n", objectOf("snap-iter"));
  assert.ok(
    updated.startsWith("# Copyright\n\nname: 'TODO: Fill the gadget name'\n# about\ndescription: b\n"),
    updated,
  );
});

Deno.test("nothing is written below a tag or an anchor that has no map behind it", () => {
  const object = objectOf("params");
  for (const value of ["!!null", "!!null ~", "&a", "&a # comment", "!!null # comment\n"]) {
    assert.throws(
      () => updateMetadata(`name: a\nparams: ${value}\nannotations: {}\n`, object),
      (error) =>
        hasCode(error, "invalid") && error.message.startsWith("params has a tag or an anchor and no map behind it"),
      value,
    );
  }
  assert.match(updateMetadata("name: a\nparams:\n  ebpf: ~\n", object), /^name: a\n[^]*params:\n {2}ebpf:\n {4}big:\n/);
});

Deno.test("a file that is wrong is refused with the place, and so is what the object's markers name and it lacks", () => {
  const object = objectOf("snap-iter");
  assert.throws(
    () => updateMetadata("name: a\nparams: []\n", object),
    (error) => hasCode(error, "invalid") && error.message.includes("line 2, column 9: params has to be a map"),
  );
  assert.throws(
    () => updateMetadata(undefined, objectOf("ebpf-no-metadata")),
    (error) => hasCode(error, "invalid") && error.message.includes('no struct "exit_event"'),
  );
  assert.throws(() => updateMetadata("name: a\n", { ...object, btf: undefined }), /has no BTF/);
});

/** A gadget.yaml in some notation: keys in any order, quoted or not, in lines or braces, with comments. */
const yamlFile = fc.letrec((tie) => ({
  text: fc.constantFrom("a", "'it''s'", '"x: y"', "1.50", "", "~", "|\n<>text\n<>more", "two words"),
  comment: fc.constantFrom("", "", "", " # why", "   # - { "),
  eol: fc.constantFrom("\n", "\n", "\n\n", "\n# a note\n", "\n   # deep\n"),
  annotations: fc.uniqueArray(fc.constantFrom("description", "template", "my.note", "columns.width"), { maxLength: 3 }),
  field: fc.tuple(
    fc.constantFrom("last", "number", "seq_num", "other", "'last'", '"x y"'),
    tie("annotations"),
    fc.constantFrom("block", "flow", "null", "empty"),
    tie("comment"),
    tie("eol"),
    tie("text"),
  ),
})).field;

function fieldText(
  [name, annotations, form, comment, eol, text]: [string, string[], string, string, string, string],
): string {
  const flat = text.includes("\n") ? "b" : text;
  if (form === "null") return `      ${name}:${comment}${eol}`;
  if (form === "empty" || annotations.length === 0) return `      ${name}: {}${comment}${eol}`;
  if (form === "flow") {
    return `      ${name}: {annotations: {${
      annotations.map((key) => `${key}: ${flat || "''"}`).join(", ")
    }}}${comment}${eol}`;
  }
  const lines = annotations.map((key) => `          ${key}: ${text.replaceAll("<>", "            ")}\n`);
  return `      ${name}:${comment}${eol}        annotations:\n${lines.join("")}`;
}

Deno.test("whatever notation a file is in: nothing of it changes, it is complete afterwards, and a second time adds nothing", () => {
  const fields = fc.uniqueArray(yamlFile as fc.Arbitrary<[string, string[], string, string, string, string]>, {
    selector: ([name]) => name.replace(/['"]/g, ""),
    maxLength: 5,
  });
  const top = fc.shuffledSubarray([
    "name: a\n",
    "description: >\n  b\n  c\n",
    "sourceURL: e # s\n",
    "vendor: [x,\n  y]\n",
    "# c\n",
  ]);
  fc.assert(
    fc.property(fields, top, fc.nat(5), fc.boolean(), (fields, top, at, ends) => {
      const sources = fields.length === 0
        ? "datasources: # none\n"
        : `datasources:\n  tasks:\n    fields:\n${fields.map(fieldText).join("")}`;
      const whole = [...top.slice(0, at), sources, ...top.slice(at)].join("");
      const before = ends || whole.includes("|\n") ? whole : whole.trimEnd();
      const after = updateMetadata(before, objectOf("snap-iter"));
      // Of a field that is null, `{}` may be what changes; here none does.
      addedLines(before.replace(/\n$/, ""), after);
      assert.equal(updateMetadata(after, objectOf("snap-iter")), after);
      const { metadata } = checkMetadata(new TextEncoder().encode(after), "f");
      const names = [...metadata!.dataSources.get("tasks")!.fields.keys()];
      for (const name of ["last", "number", "seq_num"]) assert.ok(names.includes(name), after);
    }),
    { numRuns: 300 },
  );
});

Deno.test("whatever an object is damaged to, a file comes out that is right, or an error", () => {
  const gadgets = ["kinds", "params", "snap-iter", "top-mapiter", "trace-ringbuf"];
  const objects = new Map(gadgets.map((gadget) => [
    gadget,
    Deno.readFileSync(new URL(`${gadget}/objects/amd64.bpf.o`, FIXTURES)),
  ]));
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  let made = 0;
  fc.assert(
    fc.property(fc.constantFrom(...gadgets), damage, (gadget, damage) => {
      const bytes = objects.get(gadget)!.slice();
      for (const [at, byte] of damage) bytes[at % bytes.length] = byte;
      try {
        const object = readEbpfObject(bytes, gadget);
        const updated = updateMetadata(sourceOf(gadget), object);
        assert.equal(updateMetadata(updated, object), updated);
        made++;
      } catch (error) {
        assert.ok(error instanceof SatchelError, String(error));
      }
    }),
    { numRuns: 200 },
  );
  assert.ok(made > 0);
});
