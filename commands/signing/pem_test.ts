import assert from "node:assert/strict";
import { pemBlocks } from "./pem.ts";

const block = (label: string, content = "MA==") => `-----BEGIN ${label}-----\n${content}\n-----END ${label}-----`;

Deno.test("blocks are found in their order, whatever stands between them", () => {
  const text = `# a key\r\n${block("PUBLIC KEY", "one")},${block("CERTIFICATE")}\n\n${block("PUBLIC KEY", "two")}`;
  assert.deepEqual(pemBlocks(text), [
    { label: "PUBLIC KEY", text: `${block("PUBLIC KEY", "one")}\n` },
    { label: "CERTIFICATE", text: `${block("CERTIFICATE")}\n` },
    { label: "PUBLIC KEY", text: `${block("PUBLIC KEY", "two")}\n` },
  ]);
});

Deno.test("what is cut off is no block, nor is what has another end", () => {
  for (
    const text of ["", "-----BEGIN PUBLIC KEY-----", "-----BEGIN A-----\nMA==\n-----END B-----", "-----END A-----"]
  ) {
    assert.deepEqual(pemBlocks(text), [], text);
  }
});

Deno.test("a block has what stands in it, another beginning among that", () => {
  const [outer, ...more] = pemBlocks(`-----BEGIN A-----\n${block("B")}\n-----END A-----`);
  assert.deepEqual([outer.label, more], ["A", []]);
});

Deno.test("a megabyte of beginnings without an end takes no longer than one", () => {
  assert.deepEqual(pemBlocks("-----BEGIN A-----\n".repeat(60_000)), []);
});
