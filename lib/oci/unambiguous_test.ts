import { strict as assert } from "node:assert";
import fc from "fast-check";
import { SatchelError } from "../error.ts";
import { requireUnambiguous } from "./unambiguous.ts";

const config = `{"mediaType":"application/x","digest":"sha256:${"0".repeat(64)}","size":2}`;
const image = `{"schemaVersion":2,"config":${config},"layers":[${config}],"annotations":{"LAYERS":"a","layers":"b"}}`;

function reasonOf(text: string): string | undefined {
  try {
    requireUnambiguous(new TextEncoder().encode(text), "the manifest");
    return undefined;
  } catch (error) {
    assert.ok(error instanceof SatchelError && error.code === "invalid", String(error));
    return error.message;
  }
}

Deno.test("what is written as the specification has it is taken, with members that it does not know", () => {
  for (
    const text of [
      image,
      ` { "schemaVersion" : 2 , "layers" : [ ] , "other" : { "LAYERS" : [ 1.5e3 , true , "\\"}" , { } ] } } `,
      `{"manifests":null,"subject":null,"annotations":{},"config":{"data":"e30=","platform":{"os":"linux","os.features":["a"]}}}`,
      "{}",
      String.raw`{"a\\":"\\","b":"\"\\\"","annotations":{"\"":"\\\\","\u006c":"","l\\":""},"schemaVersion":2}`,
    ]
  ) assert.equal(reasonOf(text), undefined, text);
});

Deno.test("what programs read in different ways is refused, and the reason says where", () => {
  for (
    const [text, reason] of [
      [`\ufeff${image}`, /byte order mark/],
      [image.replace("{", `{"LAYERS":[],`), /it has "LAYERS", which some take for "layers"/],
      [image.replace("{", `{"layer\u017f":[],`), /which some take for "layers"/],
      [image.replace("{", `{"layers":[],`), /it has "layers" twice/],
      [image.replace("{", `{"l\\u0061yers":[],`), /it has "layers" twice/],
      [image.replace("{", String.raw`{"a":"\\","b":"\\\"","layers":[],`), /it has "layers" twice/],
      [image.replace(`"size"`, `"Size":1,"size"`), /"config" has "Size"/],
      [image.replace(`"LAYERS"`, `"layers"`), /"annotations" has "layers" twice/],
      [image.replace("{", `{"other":{"a":1,"a":1},`), /"other" has "a" twice/],
      [image.replace(`"size":2`, `"size":2.0`), /"size" is not written as a whole number/],
      [image.replace(`"size":2`, `"size":0.2e1`), /"size" is not written as a whole number/],
      [image.replace(`"schemaVersion":2`, `"schemaVersion":"2"`), /"schemaVersion" is not written as a whole number/],
      [image.replace(`:"a"`, ":1"), /"LAYERS" is not a text/],
      [image.replace(`"size"`, `"urls":"x","size"`), /"urls" is not a list/],
      [image.replace(`"layers":[${config}]`, `"layers":[[]]`), /an entry of "layers" is not an object/],
      [image.replace(`"size"`, `"platform":{"OS":"linux"},"size"`), /"platform" has "OS", which some take for "os"/],
    ] as const
  ) assert.match(reasonOf(text) ?? "taken", reason, text);
});

Deno.test("whatever JSON it is, it is passed to its end", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    const reason = reasonOf(`{"other":${text},"schemaVersion":"x"}`);
    // In what it generates no name stands twice.
    assert.match(reason ?? "taken", /"schemaVersion" is not|twice/);
  }));
});
