import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  binary,
  capabilityTest,
  describe,
  peerTest,
  satchel,
  satchelSucceeds,
  scratchFolder,
  succeed,
} from "../harness/mod.ts";
import { copyGadget, filesOf, GADGETS, listAll, recordedTools, writeFolder, writeScript } from "./build_gadgets.ts";
import { openTerminal } from "./cli_terminal.ts";

const MODULE = readFileSync(join(GADGETS, "wasm-only/source/program.wasm"));
const NO_VERSION = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const COMPONENT = new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);

/** How a build goes wrong: what is in the folder, how it is built, and what is said of it. */
interface Case {
  files?: Record<string, string | Uint8Array>;
  flags?: string[];
  env?: Record<string, string>;
  /** Default: 1. */
  code?: number;
  stderr: RegExp;
}

const C = { "program.bpf.c": "int x;\n" };
const META = { "gadget.yaml": "name: a\n" };

const CASES: Record<string, Case> = {
  "an empty folder": {
    stderr: /there is nothing to build in \S+gadget: no program\.bpf\.c, gadget\.yaml or a wasm module\nHint: /,
  },
  "Go sources that nothing names": {
    files: { "go/program.go": "package main\n" },
    stderr: /there is nothing to build[^]*Hint: Name the Go source in build\.yaml: `wasm: go\/program\.go`/,
  },
  "a source that is not there": {
    files: { ...META, "build.yaml": "ebpfsource: nosuch.c\n" },
    stderr: /ebpfsource: there is no file "nosuch\.c" in /,
  },
  "an empty name of a source": {
    files: { ...META, "build.yaml": 'ebpfsource: ""\n' },
    stderr: /ebpfsource: there is no file "" in /,
  },
  "a module that is not there": {
    files: { "build.yaml": "wasm: nosuch.wasm\n" },
    stderr: /wasm: there is no file "nosuch\.wasm"/,
  },
  "a module of an unknown kind": {
    files: { "build.yaml": "wasm: a.txt\n", "a.txt": "" },
    stderr: /wasm: "a\.txt" is of no kind that is known\nHint: /,
  },
  "a module that is text": {
    files: { "build.yaml": "wasm: a.wasm\n", "a.wasm": "hello" },
    stderr: /a\.wasm is no WebAssembly module/,
  },
  "a module that is empty": {
    files: { "build.yaml": "wasm: a.wasm\n", "a.wasm": "" },
    stderr: /a\.wasm is no WebAssembly module/,
  },
  "a module that is cut": {
    files: { "build.yaml": "wasm: a.wasm\n", "a.wasm": MODULE.subarray(0, 100) },
    stderr: /a\.wasm: /,
  },
  "a module that is a component": {
    files: { "build.yaml": "wasm: a.wasm\n", "a.wasm": COMPONENT },
    stderr: /a\.wasm is a WebAssembly component, not a module/,
  },
  "a flag as a source": {
    files: { "build.yaml": "ebpfsource: ' -v'\n", " -v": "" },
    stderr: /ebpfsource: " -v" cannot be the name of a file\nHint: /,
  },
  "a response file as a source": {
    files: { "build.yaml": "ebpfsource: '@v'\n", "@v": "" },
    stderr: /ebpfsource: "@v" cannot be the name of a file/,
  },
  "a flag as the last part of a module's name": {
    files: { "build.yaml": "wasm: go/-toolexec=x.go\n", "go/-toolexec=x.go": "" },
    stderr: /wasm: "go\/-toolexec=x\.go" cannot be the name of a file/,
  },
  "a flag as a module": { files: { "build.yaml": "wasm: -x.go\n" }, stderr: /wasm: "-x\.go" cannot be the name/ },
  "metadata of another folder": {
    files: { ...C, "build.yaml": "metadata: ../secret.yaml\n" },
    stderr: /metadata: "\.\.\/secret\.yaml" is outside of the folder of the gadget/,
  },
  "a module by its whole path": {
    files: { ...C, "build.yaml": "wasm: /etc/x.wasm\n" },
    stderr: /wasm: "\/etc\/x\.wasm" is outside of the folder of the gadget/,
  },
  "build.yaml that is no YAML": { files: { ...C, "build.yaml": "wasm: [a\n" }, stderr: /build\.yaml:2:1: / },
  "build.yaml with a list for a text": {
    files: { ...C, "build.yaml": "metadata: gadget.yaml\nwasm: [a]\n" },
    stderr: /build\.yaml:2:7: wasm has to be a text/,
  },
  "build.yaml with flags that load code": {
    files: { ...C, "build.yaml": "cflags: -fplugin=./x.so\n" },
    stderr: /build\.yaml:1:9: cflags: the flag -fplugin=\.\/x\.so is refused: [^]*Hint: .*--cflags/,
  },
  "a typo in build.yaml, strictly": {
    files: { ...META, "build.yaml": "metdata: x\n" },
    flags: ["--strict"],
    stderr: /build\.yaml:1:1: unknown key "metdata" has no effect; did you mean metadata\?/,
  },
  "a typo in gadget.yaml, strictly": {
    files: { "gadget.yaml": "nmae: x\n" },
    flags: ["--strict"],
    stderr: /gadget\.yaml:1:1: .*did you mean name\?/,
  },
  "metadata that is no YAML": { files: { "gadget.yaml": "name: [x\n" }, stderr: /gadget\.yaml:\d+:\d+: / },
  "metadata that is no YAML, unchecked": {
    files: { "gadget.yaml": "name: [x\n" },
    flags: ["--validate-metadata=false"],
    stderr: /gadget\.yaml:\d+:\d+: /,
  },
  "metadata that is a list": { files: { "gadget.yaml": "- a\n" }, stderr: /gadget\.yaml:1:1: / },
  "metadata that is empty": { files: { "gadget.yaml": "" }, stderr: /gadget\.yaml:1:1: / },
  "metadata that is a folder": { files: { "gadget.yaml/x": "" }, stderr: /gadget\.yaml is not a regular file/ },
  "parameters without a program": {
    files: { "gadget.yaml": "name: a\nparams:\n  ebpf:\n    port:\n      key: port\n" },
    stderr: /gadget\.yaml:3:3: params\.ebpf needs an eBPF program, and there is none/,
  },
  "an update without a program": {
    files: META,
    flags: ["--update-metadata"],
    stderr: /--update-metadata needs an eBPF program to read from/,
  },
  "BTFs without a program": {
    files: META,
    flags: ["--btfgen", "--btfhub-archive", "/tmp"],
    stderr: /--btfgen needs an eBPF program/,
  },
  "a build file that is not there": {
    files: META,
    flags: ["-f", "nosuch.yaml"],
    code: 2,
    stderr: /Cannot read \S+nosuch\.yaml: it does not exist/,
  },
  "metadata that is not there, strictly": {
    files: { "build.yaml": "metadata: gadgt.yaml\nwasm: a.wasm\n", "a.wasm": MODULE },
    flags: ["--strict"],
    stderr:
      /: metadata: there is no file "gadgt\.yaml" in \S+, so the image gets no gadget\.yaml\nHint: Without --strict/,
  },
  "metadata that is not there, and nothing else": {
    files: { "build.yaml": "metadata: gadgt.yaml\n" },
    stderr: /there is nothing to build in \S+: no program\.bpf\.c, gadgt\.yaml or a wasm module/,
  },
  "Go sources that nothing names beside something else, strictly": {
    files: { ...META, "go/program.go": "package main\n" },
    flags: ["--strict"],
    stderr: /: go\/program\.go is not built, as build\.yaml does not name it; a line `wasm: go\/program\.go` would\n/,
  },
  "a module without a version, strictly": {
    files: { "build.yaml": "wasm: a.wasm\n", "a.wasm": NO_VERSION },
    flags: ["--strict"],
    stderr: /gadget\/a\.wasm: the module has no function gadgetAPIVersion, so Inspektor Gadget refuses to run it\n/,
  },
  "an archive of BTFs that is not there": {
    files: C,
    flags: ["--btfgen", "--btfhub-archive", "/nosuch"],
    code: 2,
    stderr: /--btfhub-archive: Cannot read \/nosuch: it does not exist\nHint: git clone /,
  },
  "a source that is no C by its name": {
    files: { "build.yaml": "ebpfsource: x.f90\n", "x.f90": "" },
    stderr: /ebpfsource: "x\.f90" is no C source by its name, which has to end in \.c/,
  },
  "metadata that is build.yaml, to be updated": {
    files: { ...C, "build.yaml": "metadata: ./build.yaml\n" },
    flags: ["--update-metadata"],
    stderr: /metadata: "\.\/build\.yaml" is the same file as \S+\/build\.yaml\n/,
  },
  "metadata that is the source": {
    files: { ...C, "build.yaml": "metadata: program.bpf.c\n" },
    stderr: /metadata: "program\.bpf\.c" is the same file as \S+\/program\.bpf\.c\n/,
  },
  "metadata to be written to a folder that is not there": {
    files: { ...C, "build.yaml": "metadata: no/such.yaml\n" },
    flags: ["--update-metadata"],
    stderr: /Cannot read \S+\/no: it does not exist\n/,
  },
  "a folder of outputs that is not there": {
    files: META,
    flags: ["-o", "nosuch"],
    code: 2,
    stderr: /--output: Cannot read \S+nosuch: it does not exist\nHint: /,
  },
  "a form of the result where a folder has to be": {
    files: META,
    flags: ["-o", "json"],
    code: 2,
    stderr:
      /--output: Cannot read \S+json: it does not exist\nHint: [^\n]* --format json is the form of the result\.\n/,
  },
  "a folder of outputs that is a file": {
    files: META,
    flags: ["-o", "/etc/passwd"],
    code: 2,
    stderr: /--output: \/etc\/passwd is no folder\nHint: It names a folder, which has to be there before the build\.\n/,
  },
  "a time that is none": {
    files: META,
    env: { SOURCE_DATE_EPOCH: "abc" },
    code: 2,
    stderr: /^Error: invalid SOURCE_DATE_EPOCH "abc": it has to be a whole number of seconds since 1970\nHint: /,
  },
  "a time that is empty": {
    files: META,
    env: { SOURCE_DATE_EPOCH: "" },
    code: 2,
    stderr: /invalid SOURCE_DATE_EPOCH ""/,
  },
  "a name with capitals": { files: META, flags: ["-t", "UPPER:x"], code: 2, stderr: /--tag: .*must be lowercase/ },
  "a name that is none": { files: META, flags: ["-t", "UPPER:x:y"], code: 2, stderr: /--tag: / },
  "a name with a digest": {
    files: META,
    flags: ["-t", `x@sha256:${"0".repeat(64)}`],
    code: 2,
    stderr: /--tag: the digest/,
  },
  "two ways to build": {
    files: META,
    flags: ["--builder-image", "x"],
    code: 2,
    stderr: /--local and --builder-image cannot/,
  },
  "an engine and none": { files: META, flags: ["--engine", "podman"], code: 2, stderr: /--local and --engine cannot/ },
  "an unknown policy": {
    files: META,
    flags: ["--builder-image-pull", "x"],
    code: 2,
    stderr: /invalid builder-image-pull mode "x", valid values are: always, missing, never/,
  },
  "btfgen without an archive": {
    files: META,
    flags: ["--btfgen"],
    code: 2,
    stderr: /--btfgen requires --btfhub-archive/,
  },
  "flags with a quote that does not end": {
    files: META,
    flags: ["--cflags", "-D 'x"],
    code: 2,
    stderr: /--cflags: the quote/,
  },
  "flags that write elsewhere": {
    files: META,
    flags: ["--cflags=-o x"],
    code: 2,
    stderr: /--cflags: the flag -o is refused/,
  },
};

for (const [what, { files = {}, flags = [], env = {}, code = 1, stderr }] of Object.entries(CASES)) {
  Deno.test(`${what}: an error, no image, and no file is touched`, async () => {
    await using scratch = await scratchFolder();
    const [folder, store] = [writeFolder(scratch.at("gadget"), files), scratch.at("store")];
    const before = filesOf(folder);
    mkdirSync(scratch.at("tmp"));
    const outcome = await satchel(["image", "build", "--local", ...flags, folder], {
      store,
      // No compiler is needed to refuse any of this.
      env: { PATH: scratch.path, TMPDIR: scratch.at("tmp"), ...env },
    });
    assert.deepEqual([outcome.code, outcome.stdout], [code, ""], describe(outcome));
    assert.match(outcome.stderr, stderr);
    assert.deepEqual(filesOf(folder), before);
    assert.deepEqual(readdirSync(scratch.at("tmp")), []);
    assert.deepEqual(existsSync(store) ? await listAll(store) : [], []);
  });
}

Deno.test("a path that is missing, or a file, is an error", async () => {
  await using scratch = await scratchFolder();
  writeFileSync(scratch.at("file"), "");
  for (
    const [path, message] of [["nosuch", /Cannot read \S+nosuch: it does not exist/], [
      "file",
      /file is no folder/,
    ]] as const
  ) {
    const { code, stderr } = await satchel(["image", "build", scratch.at(path)]);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
});

Deno.test("a link out of the folder does not publish what it leads to", async () => {
  await using scratch = await scratchFolder();
  writeFileSync(scratch.at("secret.yaml"), "auths: {}\n");
  const folder = writeFolder(scratch.at("gadget"), {});
  symlinkSync("../secret.yaml", join(folder, "gadget.yaml"));
  const { code, stderr } = await satchel(["image", "build", "--local", folder]);
  assert.equal(code, 1);
  assert.match(stderr, /metadata: "gadget\.yaml" is outside of the folder of the gadget/);
});

Deno.test("no link leads a build out of the folder: not a source's, not a module's, not that of a folder to write to", async () => {
  await using scratch = await scratchFolder();
  for (const name of ["x.c", "x.wasm", "x.go", "x.rs"]) writeFileSync(scratch.at(name), MODULE);
  mkdirSync(scratch.at("outside"));
  for (
    const [line, ...flags] of [
      ["ebpfsource: link/x.c"],
      ["wasm: link/x.wasm"],
      ["wasm: link/x.go"],
      ["wasm: link/x.rs"],
      ["metadata: link/outside/gadget.yaml", "--update-metadata"],
    ]
  ) {
    const folder = writeFolder(scratch.at(`gadget ${line.replaceAll("/", " ")}`), { ...C, "build.yaml": line });
    symlinkSync("..", join(folder, "link"));
    const { code, stderr } = await satchel(["image", "build", "--local", ...flags, folder], {
      env: { PATH: scratch.path },
    });
    assert.equal(code, 1);
    assert.match(stderr, /: "link\/\S+" is outside of the folder of the gadget\n|: "link\/outside" is outside/, line);
  }
  assert.deepEqual(readdirSync(scratch.at("outside")), []);
});

Deno.test("where a file of -o is to be and a folder is, nothing is compiled", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "trace-ringbuf");
  mkdirSync(scratch.at("out/arm64.bpf.o"), { recursive: true });
  const env = recordedTools(scratch, "trace-ringbuf");
  const { code, stderr } = await satchel(["image", "build", "--local", "-o", scratch.at("out"), folder], { env });
  assert.equal(code, 2);
  assert.match(stderr, /--output: \S+\/arm64\.bpf\.o is a folder, where a file is to be\nHint: Remove it/);
  assert.deepEqual(readdirSync(scratch.at("out")), ["arm64.bpf.o"]);
});

Deno.test("what compilers start is not found by relative folders of PATH", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "trace-ringbuf");
  writeScript(join(folder, "helper"), [`touch ${scratch.at("was-run")}`]);
  const { CLANG, LLVM_STRIP } = recordedTools(scratch, "trace-ringbuf");
  const CALLING = writeScript(scratch.at("calling"), ["helper", `exec ${CLANG} "$@"`]);
  const env = { CLANG: CALLING, LLVM_STRIP: LLVM_STRIP!, PATH: `.:${Deno.env.get("PATH")}:` };
  await satchelSucceeds(["image", "build", "--local", folder], { env });
  assert.ok(!existsSync(scratch.at("was-run")));
});

Deno.test("an image of ready parts needs neither an engine nor a compiler", async () => {
  await using scratch = await scratchFolder();
  const env = { PATH: scratch.path, DOCKER_HOST: "unix:///nosuch" };
  const module = writeFolder(scratch.at("module"), { "build.yaml": "wasm: a.wasm\n", "a.wasm": MODULE });
  assert.match(await satchelSucceeds(["image", "build", module], { env }), /^sha256:[0-9a-f]{64}\n$/);
  assert.match(await satchelSucceeds(["image", "build", writeFolder(scratch.at("meta"), META)], { env }), /^sha256:/);
});

Deno.test("without a name the image is stored, listed as untagged, and gets a name by the digest that was printed", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  const folder = writeFolder(scratch.at("meta"), META);
  const { stdout, stderr } = await satchel(["image", "build", folder], { store });
  const digest = stdout.trim();
  assert.equal(stderr, `Successfully built ${digest}\n`);
  assert.ok((await listAll(store)).some(({ Digest, Kind }) => Digest === digest && Kind === "untagged"));
  await satchelSucceeds(["store", "check"], { store });
  await satchelSucceeds(["image", "tag", digest, "named"], { store });
  assert.deepEqual((await listAll(store)).map(({ Repository, Digest }) => [Repository, Digest]), [["named", digest]]);
  await satchelSucceeds(["store", "check"], { store });
  const nosuch = await satchel(["image", "tag", `sha256:${"0".repeat(64)}`, "other"], { store });
  assert.equal(nosuch.code, 3);
});

Deno.test("the result has forms for programs, and --quiet leaves nothing else", async () => {
  await using scratch = await scratchFolder();
  const folder = writeFolder(scratch.at("meta"), META);
  const env = { SOURCE_DATE_EPOCH: "1" };
  const json = await satchel(["image", "build", "-q", "-t", "x:v1", "--format", "json", folder], { env });
  assert.equal(json.stderr, "");
  const { digest, ...rest } = JSON.parse(json.stdout);
  assert.match(digest, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(rest, {
    name: "ghcr.io/inspektor-gadget/gadget/x:v1",
    mediaType: "application/vnd.oci.image.index.v1+json",
    size: rest.size,
    created: "1970-01-01T00:00:01Z",
  });
});

Deno.test("a typo is warned of with its place, and the image is built", async () => {
  await using scratch = await scratchFolder();
  const folder = writeFolder(scratch.at("meta"), {
    "gadget.yaml": "name: a\ndescripton: b\n",
    "build.yaml": "wsm: x\n",
  });
  const { code, stderr } = await satchel(["image", "build", folder]);
  assert.equal(code, 0);
  assert.match(stderr, /^Warning: \S+build\.yaml:1:1: unknown key "wsm".*did you mean wasm\?\n/);
  assert.match(stderr, /\nWarning: \S+gadget\.yaml:2:1: .*did you mean description\?\n/);
});

Deno.test("what a build leaves out is warned of: metadata, Go sources, a module's version", async () => {
  await using scratch = await scratchFolder();
  const warned = async (files: Record<string, string | Uint8Array>) => {
    const folder = writeFolder(scratch.at(`gadget${Object.keys(files).length}`), files);
    const { code, stderr } = await satchel(["image", "build", folder]);
    assert.equal(code, 0, stderr);
    return stderr.split("\n").filter((line) => line.startsWith("Warning: ")).length;
  };
  assert.equal(await warned({ "gadget.yaml": "name: a\n" }), 0);
  assert.equal(await warned({ ...META, "go/a_test.go": "" }), 0);
  assert.equal(await warned({ ...META, "go/a.go": "", "build.yaml": "cflags: -O2\n" }), 1);
  const files = { "a.wasm": NO_VERSION, "build.yaml": "wasm: a.wasm\nmetadata: b.yaml\n", "go/a.go": "", "x": "" };
  assert.equal(await warned(files), 2);
});

Deno.test("markers that name what the program lacks are warned of without a gadget.yaml, and are errors with one", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "ebpf-no-metadata");
  const env = recordedTools(scratch, "ebpf-no-metadata");
  const build = (...flags: string[]) => satchel(["image", "build", "--local", ...flags, folder], { env });
  const text = /\/program\.bpf\.c: tracer "exit": the object's BTF has no struct "exit_event"; clang leaves out /;
  const warned = await build();
  assert.equal(warned.code, 0);
  assert.match(warned.stderr, /^Warning: /);
  assert.match(warned.stderr, text);
  const strict = await build("--strict");
  assert.equal(strict.code, 1);
  assert.match(strict.stderr, text);
  assert.doesNotMatch((await build("--validate-metadata=false")).stderr, text);
  writeFileSync(join(folder, "gadget.yaml"), "name: a\n");
  const error = await build();
  assert.equal(error.code, 1);
  assert.match(error.stderr, text);
  assert.doesNotMatch(error.stderr, /gadget\.yaml:/);
});

Deno.test("--update-metadata says what it did", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "trace-ringbuf");
  const path = join(folder, "gadget.yaml");
  const env = recordedTools(scratch, "trace-ringbuf");
  const said = async () => (await satchel(["image", "build", "--local", "--update-metadata", folder], { env })).stderr;
  Deno.removeSync(path);
  assert.match(await said(), /^\S+\/gadget\.yaml is new: its TODO texts are yours to fill in\nSuccessfully built /);
  assert.match(await said(), /^\S+\/gadget\.yaml has all of it: nothing is added\nSuccessfully built /);
  writeFileSync(path, "name: own\ndescription: own\nhomepageURL: own\ndocumentationURL: own\n");
  assert.match(await said(), /^\S+\/gadget\.yaml has \d\d more lines\nSuccessfully built /);
});

Deno.test("flags without effect are warned of", async () => {
  await using scratch = await scratchFolder();
  const folder = writeFolder(scratch.at("gadget"), META);
  const { code, stderr } = await satchel(["image", "build", "--btfhub-archive", "/nosuch", folder]);
  assert.equal(code, 0);
  assert.match(stderr, /^Warning: --btfhub-archive has no effect without --btfgen\n/);
});

peerTest("script", "on a terminal the result stands there once", async () => {
  await using scratch = await scratchFolder();
  const folder = writeFolder(scratch.at("gadget"), META);
  const command = `${await binary()} image build --store ${scratch.at("store")} ${folder}`;
  await using terminal = openTerminal(command, { HOME: scratch.path });
  assert.equal(await terminal.status, 0);
  assert.match(terminal.output, /Successfully built\r\n[^]*sha256:[0-9a-f]{64}\r\n/);
  assert.equal(terminal.output.match(/sha256:/g)?.length, 1);
});

Deno.test("--update-metadata writes gadget.yaml when all else is done, with the mode that it had, and again nothing", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "trace-ringbuf");
  const path = join(folder, "gadget.yaml");
  const env = { ...recordedTools(scratch, "trace-ringbuf"), SOURCE_DATE_EPOCH: "1" };
  const args = ["image", "build", "--local", "-q", "--update-metadata", folder];
  Deno.removeSync(path);
  const first = await satchelSucceeds(args, { env });
  assert.match(readFileSync(path, "utf8"), /^name: 'TODO: /);
  assert.equal(statSync(path).mode & 0o777, 0o644);
  Deno.chmodSync(path, 0o600);
  writeFileSync(path, "# mine\nname: own # too\n");
  const second = await satchelSucceeds(args, { env });
  assert.notEqual(second, first);
  assert.match(readFileSync(path, "utf8"), /^# mine\nname: own # too\n[^]*datasources:\n/);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const before = filesOf(folder);
  assert.equal(await satchelSucceeds(args, { env }), second);
  assert.deepEqual(filesOf(folder), before);
  assert.equal(await satchelSucceeds(args.filter((each) => each !== "--update-metadata"), { env }), second);
});

Deno.test("metadata that names what the program has not is an error with line and column, for once", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "params");
  writeFileSync(join(folder, "gadget.yaml"), "name: a\nparams:\n  ebpf:\n    nosuch:\n      key: x\n");
  const [env, store] = [recordedTools(scratch, "params"), scratch.at("store")];
  const { code, stderr } = await satchel(["image", "build", "--local", folder], { env, store });
  assert.equal(code, 1);
  assert.match(stderr, /^Error: building [^\n]*gadget\.yaml:4:5: [^\n]*nosuch[^\n]*\n$/);
  assert.deepEqual(await listAll(store), []);
  await satchelSucceeds(["image", "build", "--local", "--validate-metadata=false", folder], { env, store });
});

capabilityTest(
  "mount",
  "a full disk is an error: of the store no image is made, of gadget.yaml none written",
  async () => {
    await using scratch = await scratchFolder();
    const store = scratch.at("store");
    mkdirSync(store);
    await succeed("mount", ["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", store]);
    try {
      const folder = copyGadget(scratch, "trace-ringbuf");
      const large = new Uint8Array(2_000_000);
      large.set(MODULE);
      writeFolder(folder, { "build.yaml": "wasm: large.wasm\n", "large.wasm": large });
      const before = filesOf(folder);
      const { code, stdout, stderr } = await satchel(
        ["image", "build", "--local", "--update-metadata", "-t", "x", folder],
        { store, env: recordedTools(scratch, "trace-ringbuf") },
      );
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /Cannot store sha256:\w+ \(2000000 bytes\) in \S+: the disk is full/);
      assert.deepEqual(filesOf(folder), before);
      assert.deepEqual(await listAll(store), []);
      assert.deepEqual(readdirSync(join(store, "ingest")), []);
      mkdirSync(join(store, "out"));
      // Objects grow too large for where compilers write, and then, of a usual size, for where they are to be kept.
      const LLVM_STRIP = writeScript(scratch.at("fill"), ['exec head -c 3000000 /dev/zero >> "$2"']);
      const env = recordedTools(scratch, "trace-perf");
      const small = copyGadget(scratch, "trace-perf");
      const outputs = await satchel(["image", "build", "--local", small], {
        env: { ...env, LLVM_STRIP, TMPDIR: join(store, "out") },
      });
      assert.equal(outputs.code, 1);
      assert.match(outputs.stderr, /No space left on device[^]*Hint: The disk is full; /);
      await succeed("sh", ["-c", `cat /dev/zero > ${store}/fill 2> /dev/null || true`]);
      const kept = await satchel(["image", "build", "--local", "-o", join(store, "out"), small], { env });
      assert.equal(kept.code, 1);
      assert.match(kept.stderr, /Cannot write \S+\/out\/amd64\.bpf\.o: the disk is full/);
      assert.deepEqual(readdirSync(join(store, "out")), []);
    } finally {
      await succeed("umount", ["--lazy", store]);
    }
  },
);
