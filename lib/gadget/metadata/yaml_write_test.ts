import { strict as assert } from "node:assert";
import fc from "fast-check";
import { compareNaturally } from "./natural_order.ts";
import { parseYaml, YamlMap, YamlText } from "./yaml_tree.ts";
import { blockLines, flowEntries, scalar, type WrittenMap } from "./yaml_write.ts";

Deno.test("keys are in the order of ig: numbers by value, letters last", () => {
  const keys = ["a10", "a2", "_x", "a", "b", "a02", "s16", "s8", "s32", "A", "a_b", "a2b", "9"];
  assert.deepEqual(keys.toSorted(compareNaturally), [
    ...["9", "_x", "A", "a", "a2", "a2b", "a02", "a10", "a_b", "b", "s8", "s16", "s32"],
  ]);
});

Deno.test("scalars are quoted as ig quotes them", () => {
  const quoted = [
    "TODO: a",
    "40",
    "",
    "yes",
    "on",
    "null",
    "n",
    "-5",
    "plain",
    "two words",
    "it's: b",
    "a\nb",
    "é",
    "1s",
  ];
  assert.deepEqual(quoted.map(scalar), [
    ...["'TODO: a'", '"40"', '""', '"yes"', '"on"', '"null"', '"n"', '"-5"', "plain", "two words", "'it''s: b'"],
    ...['"a\\nb"', '"é"', '"1s"'],
  ]);
});

/** What a text of YAML has at the key `a`. */
function valueOf(yaml: string) {
  const { root, problems } = parseYaml(yaml);
  assert.deepEqual(problems, [], yaml);
  return root instanceof YamlMap ? root.entries.get("a")?.value : undefined;
}

Deno.test("whatever a text is, it is read as it was, as a value and as a key, in lines and in braces", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 20 }), fc.string({ maxLength: 40 })), (text) => {
      const map: WrittenMap = { order: [], entries: new Map([[text, text]]) };
      for (const yaml of [`a:\n${blockLines(map, "  ", "  ").join("\n")}\n`, `a: {${flowEntries(map)}}\n`]) {
        const value = valueOf(yaml);
        assert.ok(value instanceof YamlMap);
        const entry = value.entries.get(text)?.value;
        assert.ok(entry instanceof YamlText && entry.text === text, yaml);
      }
    }),
    { numRuns: 1000 },
  );
});
