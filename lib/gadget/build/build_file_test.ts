import assert from "node:assert/strict";
import fc from "fast-check";
import { SatchelError } from "../../error.ts";
import { NO_BUILD_FILE, readBuildFile } from "./build_file.ts";

const read = (text: string) => readBuildFile(new TextEncoder().encode(text), "g/build.yaml");

Deno.test("a build.yaml names the parts of a gadget", () => {
  const { buildFile, problems } = read(
    "ebpfsource: src/x.bpf.c\nwasm: go/program.go\nmetadata: meta.yaml\ncflags: -I include '-DTEXT=\"a b\"'\n",
  );
  assert.deepEqual(buildFile, {
    ebpfSource: "src/x.bpf.c",
    wasm: "go/program.go",
    metadata: "meta.yaml",
    cflags: ["-I", "include", '-DTEXT="a b"'],
  });
  assert.deepEqual(problems, []);
});

Deno.test("one without a key is as good as none", () => {
  for (const text of ["", "\n", "# nothing\n", "---\n", "wasm:\nmetadata: ~\nebpfsource: null\n", 'wasm: ""\n']) {
    assert.deepEqual(read(text).buildFile, NO_BUILD_FILE, text);
  }
  assert.equal(read('ebpfsource: ""\n').buildFile.ebpfSource, "");
  assert.equal(read("ebpfsource: 'null'\n").buildFile.ebpfSource, "null");
});

Deno.test("numbers and truth values are texts as they are written, aliases what they stand for, and the first document counts", () => {
  assert.equal(read("wasm: 2.50").buildFile.wasm, "2.50");
  assert.equal(read("wasm: yes").buildFile.wasm, "yes");
  assert.equal(read("ebpfsource: &a x.c\nwasm: *a\n").buildFile.wasm, "x.c");
  assert.equal(read("--- \nwasm: a.wasm\n---\nwasm: [b]\n").buildFile.wasm, "a.wasm");
  assert.equal(read("wasm: a.wasm\n...\n]\n").buildFile.wasm, "a.wasm");
});

Deno.test("a key that nobody knows is told with its place and what may be meant", () => {
  const { problems } = read("metadata: m.yaml\n  # x\nebpfsorce: x.c\nqqqqqqqq: [1]\n");
  assert.deepEqual(problems, [
    {
      line: 3,
      column: 1,
      severity: "warning",
      text: 'unknown key "ebpfsorce" has no effect; did you mean ebpfsource?',
    },
    { line: 4, column: 1, severity: "warning", text: 'unknown key "qqqqqqqq" has no effect' },
  ]);
});

Deno.test("of a key that is there twice the last one counts, and that is told", () => {
  const { buildFile, problems } = read("wasm: a\nwasm: b\n");
  assert.equal(buildFile.wasm, "b");
  assert.deepEqual(problems.map(({ line, text }) => `${line} ${text}`), ["2 wasm is there twice; this one counts"]);
});

Deno.test("what is no text, no map, no YAML is an error with line and column", () => {
  const cases: [string, RegExp][] = [
    ["wasm: [a]\n", /^g\/build\.yaml:1:7: wasm has to be a text$/],
    ["metadata: a\nebpfsource:\n  a: b\n", /^g\/build\.yaml:3:3: ebpfsource has to be a text$/],
    ["- a\n", /^g\/build\.yaml:1:1: it has to be a map of keys and values$/],
    ["hello\n", /^g\/build\.yaml:1:1: it has to be a map/],
    ["wasm: [unclosed\n", /^g\/build\.yaml:2:1: /],
    ["a:\n\t- b\n", /^g\/build\.yaml:2:1: /],
    ["wasm: *a\n", /^g\/build\.yaml:1:7: /],
    ['cflags: -g\nwasm: a\ncflags: "-DX=\'"\n', /^g\/build\.yaml:3:9: cflags: the quote at .* does not end$/],
  ];
  for (const [text, message] of cases) assert.throws(() => read(text), { code: "invalid", message }, text);
  assert.throws(() => readBuildFile(new Uint8Array([0xff]), "b"), /b is not UTF-8 text/);
  assert.throws(() => readBuildFile(new Uint8Array(20_000), "b"), /b is larger than 16384 bytes/);
});

Deno.test("flags of a build.yaml that write files, load code or are no flags are refused", () => {
  const refused = [
    "-o /etc/passwd",
    "-fplugin=./x.so",
    "-D --driver-mode=cl",
    "-isystem --driver-mode=cl -isystem /clang:-fplugin=./x.so",
    "-I -o",
    "-Xclang -load",
    "-mllvm -load=x.so",
    "-Wp,-MD,x",
    "-MF x",
    "@x",
  ];
  for (
    const flag of [
      ...refused,
      "x.c",
      "-I",
      "-fpass-plugin=x",
      "-save-temps",
      "-fno-integrated-as",
      "--config=x",
      "-B.",
      "-c",
      "-target x86",
    ]
  ) {
    assert.throws(
      () => read(`cflags: ${JSON.stringify(flag)}`),
      { code: "invalid", message: /1:9: cflags: the flag / },
      flag,
    );
  }
  const harmless =
    "-DA=1 -D B -Iinclude -I include -isystem x -include y.h -Wno-unused -Werror=all -w -O1 -std=gnu11 " +
    "-fno-stack-protector -mcpu=v3";
  assert.equal(read(`cflags: ${harmless}`).buildFile.cflags.length, 17);
});

Deno.test("any text is read or refused with an error of the one kind", () => {
  const pieces = fc.constantFrom(
    "wasm",
    ":",
    " ",
    "\n",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&a",
    "*a",
    "'",
    '"',
    "\t",
    "x",
    "---",
    "#",
  );
  fc.assert(fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
    try {
      read(parts.join(""));
    } catch (error) {
      assert.ok(error instanceof SatchelError && error.code === "invalid", String(error));
    }
  }));
  assert.throws(() => read(`wasm: ${"[".repeat(16_000)}`), { code: "invalid" });
  assert.throws(() => read("- ".repeat(8000)), { code: "invalid" });
});
