import { strict as assert } from "node:assert";
import { digestOf } from "../../oci/mod.ts";
import { formatSums, parseSums, sumsPath, volumeOf, volumePath } from "../mod.ts";

Deno.test("volumes are named by the archive and a number of three digits or more", () => {
  assert.equal(volumePath("/disk/x.tar", 7), "/disk/x.tar.007");
  assert.deepEqual(volumeOf("/disk/x.tar.007"), { archive: "/disk/x.tar", number: 7 });
  assert.deepEqual(volumeOf("x.tar.1234"), { archive: "x.tar", number: 1234 });
  for (const other of ["x.tar", "x.tar.1", "x.tar.000", "x.tar.001.tmp", ".001"]) {
    assert.equal(volumeOf(other), undefined);
  }
});

Deno.test("the list of checksums reads back, and is not itself matched by x.tar.*", () => {
  const sums = [1, 2].map((number) => ({ name: `x.tar.00${number}`, digest: digestOf(Uint8Array.of(number)) }));
  assert.deepEqual(parseSums(formatSums("/disk/x.tar", sums, digestOf(new Uint8Array())), "the list"), sums);
  assert.ok(!sumsPath("/disk/x.tar").startsWith("/disk/x.tar."));
});

Deno.test("a list that leads elsewhere, or is none, is refused", () => {
  const hex = "0".repeat(64);
  for (const line of [`${hex}  ../x.tar.001`, `${hex}  /etc/x.tar.001`, `${hex}  x.tar`, `${hex} x.tar.001`, "x"]) {
    assert.throws(() => parseSums(`${line}\n`, "the list"), { code: "invalid" });
  }
});
