import assert from "node:assert/strict";
import { formatEnd, readEnd, readName } from "./ends.ts";

for (
  const [text, end] of Object.entries({
    "example.org:5000/app:v1": { kind: "registry", text: "example.org:5000/app:v1" },
    trace_open: { kind: "registry", text: "trace_open" },
    "store:": { kind: "store", text: "" },
    "store:example.org/app:v1": { kind: "store", text: "example.org/app:v1" },
    "archive:x.tar": { kind: "archive", path: "x.tar", text: "" },
    "archive:-#v1": { kind: "archive", path: "-", text: "v1" },
    "archive:a#b.tar#": { kind: "archive", path: "a#b.tar", text: "" },
    "dir:/mnt/a b#example.org/app:v1": { kind: "dir", path: "/mnt/a b", text: "example.org/app:v1" },
  })
) {
  Deno.test(`${text} is an end of a copy`, () => assert.deepEqual(readEnd(text), end));
}

for (
  const text of ["", "archive:", "archive:#v1", "dir:", "docker:app", "oci-archive:x.tar", "docker://example.org/a"]
) {
  Deno.test(`${JSON.stringify(text)} is no end of a copy, and the forms are told`, () => {
    assert.throws(() => readEnd(text), { code: "usage", hint: /store:NAME, archive:FILE/ });
  });
}

Deno.test("a registry by the name of a foreign scheme is one, with its port", () => {
  assert.equal(readEnd("docker:5000/app").kind, "registry");
});

Deno.test("a name tells whether it had a tag: without one it is not the tag latest that is meant", () => {
  const tags = ["example.org:5000/app", "example.org:5000/app:v1", `app@sha256:${"0".repeat(64)}`];
  assert.deepEqual(tags.map((text) => readName(text).isTagged), [false, true, true]);
  assert.throws(() => readName("a b"), { code: "usage", hint: /dir:FOLDER/ });
});

Deno.test("ends are shown as they are typed", () => {
  assert.equal(formatEnd({ kind: "dir", path: "p", text: "" }, "example.org/app:v1"), "dir:p#example.org/app:v1");
  assert.equal(formatEnd({ kind: "store", text: "" }, "example.org/app:v1"), "store:example.org/app:v1");
  assert.equal(formatEnd({ kind: "archive", path: "-", text: "" }, ""), "archive:-");
});
