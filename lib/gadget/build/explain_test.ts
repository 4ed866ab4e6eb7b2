import assert from "node:assert/strict";
import { stepError } from "./explain.ts";

function errorOf(output: string, { status = 1, isLocal = true, isThere = false } = {}) {
  const step = { name: "clang compile for amd64", command: ["clang", "a b"] as const, environment: {}, after: [] };
  return stepError({ step, status, output: new TextEncoder().encode(output) }, isLocal, () => isThere);
}

Deno.test("a step that failed is told with its command as it could be typed", () => {
  assert.equal(errorOf("").message, "clang compile for amd64 failed with status 1: clang 'a b'");
  assert.equal(errorOf("", { status: 137 }).message, "clang compile for amd64 was ended by signal 9: clang 'a b'");
  assert.equal(errorOf("what nobody knows").hint, undefined);
});

Deno.test("where a missing header comes from is told, also where the error has colours", () => {
  const hint = (header: string, isLocal = true, isThere = false) =>
    errorOf(`x.c:1:10: \x1b[0;1;31mfatal error: \x1b[0m\x1b[1m'${header}' file not found\x1b[0m\n`, {
      isLocal,
      isThere,
    })
      .hint ?? "";
  assert.match(hint("bpf/bpf_helpers.h"), /^bpf\/bpf_helpers\.h comes with libbpf-dev\. .*apt install libbpf-dev$/);
  for (const header of ["linux/bpf.h", "asm/types.h", "asm-generic/int-ll64.h"]) {
    assert.match(hint(header), /apt install linux-libc-dev$/);
  }
  assert.match(hint("gadget/macros.h"), /^gadget\/macros\.h comes with the sources of Inspektor Gadget.*--cflags/);
  assert.match(hint("vmlinux.h"), /bpftool btf dump file/);
  assert.match(hint("stdint.h"), /libc6-dev/);
  assert.match(hint("bits/libc-header-start.h"), /libc6-dev/);
  assert.match(hint("own.h"), /cflags: -IFOLDER/);
  assert.match(
    hint("bpf/bpf_helpers.h", false),
    /IG_SOURCE_PATH=FOLDER gives it that, as \/work.*builder image lacks it/,
  );
  for (const header of ["asm/nosuch.h", "bpf/nosuch.h", "stdnosuch.h"]) {
    assert.match(hint(header, true, true), /-dev is there, and \S+ not in it.*cflags: -IFOLDER/);
  }
});

Deno.test("what a program is missing is told", () => {
  assert.match(
    errorOf("error[E0463]: can't find crate for `core`").hint ?? "",
    /^rustup target add wasm32-wasip1; .*https:\/\/rustup\.rs$/,
  );
  assert.match(
    errorOf("-buildmode=c-shared not supported on wasip1/wasm").hint ?? "",
    /Go 1\.24 .*https:\/\/go\.dev\/dl/,
  );
  assert.match(errorOf("ld: No space left on device").hint ?? "", /disk is full/);
});
