import assert from "node:assert/strict";
import {
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  binary,
  capabilityTest,
  describe,
  peerTest,
  satchel,
  satchelEnvironment,
  satchelSucceeds,
  scratchFolder,
  succeed,
} from "../harness/mod.ts";
import {
  copyGadget,
  filesOf,
  GADGETS,
  listAll,
  READ_CLANG_ARGUMENTS,
  recordedTools,
  writeFolder,
  writeScript,
} from "./build_gadgets.ts";
import { openTerminal } from "./cli_terminal.ts";

const OBJECT = join(GADGETS, "trace-ringbuf/objects/amd64.bpf.o");

Deno.test("both architectures are compiled at the same time", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "trace-ringbuf");
  // Each of them ends only when it has seen the other.
  const CLANG = writeScript(scratch.at("clang"), [
    ...READ_CLANG_ARGUMENTS,
    `touch ${scratch.path}/begun-$arch`,
    "left=400",
    `while [ ! -e ${scratch.path}/begun-x86 ] || [ ! -e ${scratch.path}/begun-arm64 ]; do`,
    '  left=$((left - 1)); [ "$left" = 0 ] && echo the other one has not begun && exit 1',
    "  sleep 0.05",
    "done",
    `cp ${OBJECT} "$out"`,
  ]);
  await satchelSucceeds(["image", "build", "--local", folder], { env: { CLANG, LLVM_STRIP: "true" } });
});

Deno.test("CLANG and LLVM_STRIP name programs: with arguments, and by a path with a blank in it", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "trace-ringbuf");
  mkdirSync(scratch.at("my tools"));
  const log = scratch.at("log");
  const record = (name: string) => [...READ_CLANG_ARGUMENTS, `echo "${name} $1" >> ${log}`, `cp ${OBJECT} "$out"`];
  const clang = writeScript(scratch.at("my tools", "clang"), record("clang"));
  const strip = writeScript(scratch.at("strip"), [`echo "strip $1" >> ${log}`]);
  const args = ["image", "build", "--local", folder];
  await satchelSucceeds(args, { env: { CLANG: clang, LLVM_STRIP: `${strip} --own` } });
  await satchelSucceeds(args, { env: { CLANG: `'${clang}' "--two words"`, LLVM_STRIP: "true" } });
  const lines = readFileSync(log, "utf8").trim().split("\n").sort();
  assert.deepEqual(lines, [
    "clang --two words",
    "clang --two words",
    "clang -target",
    "clang -target",
    "strip --own",
    "strip --own",
  ]);
});

Deno.test("all programs that are missing are told at once, before anything runs", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "trace-ringbuf");
  const none = await satchel(["image", "build", "--local", folder], { env: { PATH: scratch.path } });
  assert.equal(none.code, 1);
  assert.match(none.stderr, /: these programs are not there: clang, llvm-strip\nHint: .*apt install clang llvm\n$/);
  const named = await satchel(["image", "build", "--local", folder], {
    env: { PATH: scratch.path, CLANG: "/nosuch/clang", LLVM_STRIP: "" },
  });
  assert.match(named.stderr, /: these programs are not there: \/nosuch\/clang, llvm-strip\n/);
  // Not one of the gadget's folder either, which somebody else may have made.
  writeScript(join(folder, "clang"), [`touch ${scratch.at("was-run")}`]);
  await satchel(["image", "build", "--local", "."], { cwd: folder, env: { PATH: `:.:${folder}/nosuch` } });
  assert.ok(!existsSync(scratch.at("was-run")));
});

Deno.test("where Go and Cargo of a right age come from is told", async () => {
  await using scratch = await scratchFolder();
  const missing = async (wasm: string, program: string) => {
    const folder = writeFolder(scratch.at(program), {
      "build.yaml": `wasm: ${wasm}\n`,
      [wasm]: "",
      "gadget.yaml": "name: a\n",
    });
    return (await satchel(["image", "build", "--local", folder], { env: { PATH: scratch.path } })).stderr;
  };
  assert.match(
    await missing("go/a.go", "go"),
    /the program go is not there\nHint: Go 1\.24 .*bookworm-backports.*go\.dev\/dl\n$/,
  );
  assert.match(await missing("src/a.rs", "cargo"), /the program cargo is not there\nHint: .*https:\/\/rustup\.rs, /);
});

Deno.test("a module that Go has cut off, as it does on a full disk, is no image, and it is told what to look at", async () => {
  await using scratch = await scratchFolder();
  const folder = writeFolder(scratch.at("gadget"), {
    "build.yaml": "wasm: go/a.go\n",
    "go/a.go": "",
    "gadget.yaml": "name: a\n",
  });
  const module = join(GADGETS, "wasm-only/source/program.wasm");
  mkdirSync(scratch.at("bin"));
  writeScript(scratch.at("bin/go"), ['while [ "$1" != -o ]; do shift; done', `head -c 100 ${module} > "$2"`]);
  const { code, stderr } = await satchel(["image", "build", "--local", folder], {
    env: { PATH: `${scratch.at("bin")}:${Deno.env.get("PATH")}` },
  });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /program\.wasm: [^\n]*\nHint: What was compiled is broken\. Is the disk full\? TMPDIR may name /,
  );
});

Deno.test("a relative folder of outputs is one of the current folder, and keeps what was made", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "trace-ringbuf", "gadget");
  mkdirSync(scratch.at("out"));
  const before = filesOf(folder);
  await satchelSucceeds(["image", "build", "--local", "-o", "out", "gadget"], {
    cwd: scratch.path,
    env: recordedTools(scratch, "trace-ringbuf"),
  });
  assert.deepEqual(readdirSync(scratch.at("out")).sort(), ["amd64.bpf.o", "arm64.bpf.o"]);
  assert.deepEqual(filesOf(folder), before);
});

Deno.test("without -o nothing is left of what compilers wrote, whether they succeed or not", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "trace-ringbuf");
  mkdirSync(scratch.at("tmp"));
  const tools = recordedTools(scratch, "trace-ringbuf");
  const env = { ...tools, TMPDIR: scratch.at("tmp") };
  await satchelSucceeds(["image", "build", "--local", folder], { env });
  const relative = { env: { ...tools, TMPDIR: "tmp" }, cwd: scratch.path };
  await satchelSucceeds(["image", "build", "--local", folder], relative);
  const failed = await satchel(["image", "build", "--local", folder], { env: { ...env, LLVM_STRIP: "false" } });
  assert.equal(failed.code, 1);
  assert.deepEqual(readdirSync(scratch.at("tmp")), []);
});

Deno.test("what a killed build has left is removed by the next one, and nothing that is used or somebody else's", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "trace-ringbuf");
  const tmp = scratch.at("tmp");
  const env = { ...recordedTools(scratch, "trace-ringbuf"), TMPDIR: tmp };
  mkdirSync(join(tmp, "satchel-build-killed/sub"), { recursive: true });
  writeFileSync(join(tmp, "satchel-build-killed/.lock"), "");
  mkdirSync(join(tmp, "satchel-build-other"));
  mkdirSync(join(tmp, "satchel-build-used"));
  writeFileSync(join(tmp, "satchel-build-used/.lock"), "");
  using lock = Deno.openSync(join(tmp, "satchel-build-used/.lock"));
  lock.lockSync(true);
  await satchelSucceeds(["image", "build", "--local", folder], { env });
  assert.deepEqual(readdirSync(tmp).sort(), ["satchel-build-other", "satchel-build-used"]);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} ends a build and the compilers, and leaves nothing`, async () => {
    await using scratch = await scratchFolder();
    const folder = copyGadget(scratch, "trace-ringbuf");
    const before = filesOf(folder);
    mkdirSync(scratch.at("tmp"));
    // A fifo tells that both have begun, and that they are gone: its reading end sees the end when no writer is left.
    const CLANG = writeScript(scratch.at("clang"), [
      ...READ_CLANG_ARGUMENTS,
      `exec 3> ${scratch.at("fifo")}`,
      'touch "$out"',
      "echo begun >&3",
      "sleep 1000 & wait",
    ]);
    assert.ok((await new Deno.Command("mkfifo", { args: [scratch.at("fifo")] }).output()).success);
    const env = { ...satchelEnvironment(scratch.at("store"), scratch.path), TMPDIR: scratch.at("tmp"), CLANG };
    const child = new Deno.Command(await binary(), {
      args: ["image", "build", "--local", "-t", "x", folder],
      env: { ...env, LLVM_STRIP: "true" },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let said = "";
    using fifo = await Deno.open(scratch.at("fifo"), { read: true });
    for await (const bytes of fifo.readable) {
      const before = said.length;
      said += new TextDecoder().decode(bytes);
      if (before < 12 && said.length >= 12) child.kill(signal);
    }
    const { code, stdout, stderr } = await child.output();
    assert.deepEqual([code, new TextDecoder().decode(stdout)], [130, ""]);
    assert.match(new TextDecoder().decode(stderr), /^Error: building .*: interrupted\n$/);
    assert.deepEqual(readdirSync(scratch.at("tmp")), []);
    assert.deepEqual(filesOf(folder), before);
    assert.deepEqual(await listAll(scratch.at("store")), []);
  });
}

Deno.test("what compilers say is shown as it is, but nothing of it that a terminal would act on", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "trace-ringbuf");
  const say = `printf 'warn\\033[31ming\\033[0m \\033]0;title\\007\\033[2J\\n' >&2`;
  const build = (lines: string[]) =>
    satchel(["image", "build", "--local", folder], {
      env: { CLANG: writeScript(scratch.at("clang"), [...READ_CLANG_ARGUMENTS, say, ...lines]), LLVM_STRIP: "true" },
    });
  const shown = "warning \\x1b]0;title\\x07\\x1b[2J\n";
  const done = await build([`cp ${OBJECT} "$out"`]);
  assert.equal(done.code, 0, describe(done));
  assert.equal(done.stderr.indexOf(shown), 0, "once for both architectures");
  assert.equal(done.stderr.lastIndexOf(shown), 0);
  const failed = await build(["exit 3"]);
  assert.equal(failed.code, 1);
  assert.ok(failed.stderr.startsWith(`${shown}Error: building ${folder}: clang compile for `), failed.stderr);
  assert.match(failed.stderr, / failed with status 3: /);
});

peerTest(
  "script",
  "on a terminal compilers are asked for colours, and these are shown; the digest is the same",
  async () => {
    await using scratch = await scratchFolder();
    const folder = copyGadget(scratch, "trace-ringbuf");
    const CLANG = writeScript(scratch.at("clang"), [
      ...READ_CLANG_ARGUMENTS,
      `for each in "$@"; do [ "$each" = -fcolor-diagnostics ] && printf '\\033[31mred\\033[0m\\n' >&2; done`,
      `cp ${OBJECT} "$out"`,
    ]);
    const env = {
      ...satchelEnvironment(scratch.at("store"), scratch.path),
      CLANG,
      LLVM_STRIP: "true",
      SOURCE_DATE_EPOCH: "1",
    };
    const colorful = { ...env, NO_COLOR: "" };
    const build = async (env: Record<string, string>) => {
      await using terminal = openTerminal(`${await binary()} image build --local ${folder}`, env);
      assert.equal(await terminal.status, 0, terminal.output);
      return terminal.output;
    };
    const shown = await build(colorful);
    assert.ok(shown.startsWith("\x1b[31mred\x1b[0m"), JSON.stringify(shown));
    const plain = await build(env);
    assert.ok(!plain.includes("red"), plain);
    const digest = (text: string) => /sha256:[0-9a-f]{64}/.exec(text)?.[0];
    assert.equal(digest(shown), digest(plain));
  },
);

capabilityTest(
  "root",
  "what root builds into the folder of somebody belongs to them, but nothing that was there",
  async () => {
    await using scratch = await scratchFolder();
    const folder = copyGadget(scratch, "trace-ringbuf");
    const out = scratch.at("out");
    mkdirSync(out);
    writeFileSync(join(out, "own"), "");
    writeFileSync(scratch.at("elsewhere"), "");
    linkSync(scratch.at("elsewhere"), join(out, "btfs-arm64.tar.gz"));
    symlinkSync("../elsewhere", join(out, "amd64.bpf.o"));
    chownSync(out, 12345, 12346);
    const env = recordedTools(scratch, "trace-ringbuf");
    await satchelSucceeds(["image", "build", "--local", "-o", out, folder], { env });
    const owners = Object.fromEntries(
      readdirSync(out).sort().map((name) => {
        const { uid, gid } = lstatSync(join(out, name));
        return [name, `${uid}:${gid}`];
      }),
    );
    assert.deepEqual(owners, {
      "amd64.bpf.o": "12345:12346",
      "arm64.bpf.o": "12345:12346",
      "btfs-arm64.tar.gz": "0:0",
      own: "0:0",
    });
    assert.equal(readFileSync(scratch.at("elsewhere"), "utf8"), "");
  },
);

Deno.test("a compiler that floods is heard to a limit and waited for", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "trace-ringbuf");
  const CLANG = writeScript(scratch.at("clang"), [...READ_CLANG_ARGUMENTS, "yes | head -c 5000000", "exit 1"]);
  const { code, stderr } = await satchel(["image", "build", "--local", folder], { env: { CLANG, LLVM_STRIP: "true" } });
  assert.equal(code, 1);
  assert.ok(stderr.length < 400_000, String(stderr.length));
  assert.match(stderr, /\[\.\.\.\]\nError: /);
});

Deno.test("what compilers leave that is no object of a gadget is refused, and no image made of it", async () => {
  await using scratch = await scratchFolder();
  const folder = copyGadget(scratch, "trace-ringbuf");
  const store = scratch.at("store");
  const object = Deno.readFileSync(OBJECT);
  const withoutBtf = object.slice();
  const name = new TextEncoder().encode(".BTF\0");
  const at = object.findIndex((_, index) => name.every((byte, offset) => object[index + offset] === byte));
  withoutBtf[at] = "_".charCodeAt(0);
  const cases: [string, Uint8Array | undefined, RegExp][] = [
    ["nothing", undefined, /clang compile for amd64 did not write .*amd64\.bpf\.o/],
    ["empty", new Uint8Array(), /reading what was compiled: amd64\.bpf\.o/],
    ["text", new TextEncoder().encode("hello"), /reading what was compiled: amd64\.bpf\.o/],
    ["cut", object.subarray(0, object.length / 2), /reading what was compiled: amd64\.bpf\.o/],
    ["no BTF", withoutBtf, /amd64\.bpf\.o has no BTF/],
  ];
  for (const [what, bytes, message] of cases) {
    if (bytes) Deno.writeFileSync(scratch.at("object"), bytes);
    const CLANG = writeScript(scratch.at("clang"), [
      ...READ_CLANG_ARGUMENTS,
      bytes ? `cp ${scratch.at("object")} "$out"` : "exit 0",
    ]);
    const { code, stdout, stderr } = await satchel(["image", "build", "--local", "-t", "x", folder], {
      store,
      env: { CLANG, LLVM_STRIP: "true" },
    });
    assert.deepEqual([code, stdout], [1, ""], what);
    assert.match(stderr, message, what);
  }
  assert.deepEqual(await listAll(store), []);
});

Deno.test("Rust is built by Cargo; the module has the name of the package, and -o keeps it", async () => {
  await using scratch = await scratchFolder();
  const folder = writeFolder(scratch.at("gadget"), {
    "build.yaml": "wasm: src/lib.rs\n",
    "Cargo.toml": '[package]\nname = "my-gadget"\nversion = "0.1.0"\n',
    "src/lib.rs": "",
  });
  const module = join(GADGETS, "wasm-only/source/program.wasm");
  mkdirSync(scratch.at("bin"));
  mkdirSync(scratch.at("out"));
  writeScript(scratch.at("bin", "cargo"), [
    `echo "$@" > ${scratch.at("log")}`,
    "mkdir -p $CARGO_TARGET_DIR/wasm32-wasip1/release",
    `cp ${module} $CARGO_TARGET_DIR/wasm32-wasip1/release/my_gadget.wasm`,
    `cp ${module} $CARGO_TARGET_DIR/wasm32-wasip1/release/other.wasm`,
  ]);
  const env = { PATH: `${scratch.at("bin")}:${Deno.env.get("PATH")}` };
  await satchelSucceeds(["image", "build", "--local", "-o", scratch.at("out"), folder], { env });
  assert.equal(
    readFileSync(scratch.at("log"), "utf8"),
    "build --target wasm32-wasip1 --release --manifest-path Cargo.toml\n",
  );
  assert.deepEqual(readFileSync(scratch.at("out/program.wasm")), readFileSync(module));
  writeScript(scratch.at("bin", "cargo"), ['echo "error[E0463]: can\'t find crate for \\`core\\`" >&2; exit 101']);
  const { stderr } = await satchel(["image", "build", "--local", folder], { env });
  assert.match(stderr, /\nHint: rustup target add wasm32-wasip1; .*https:\/\/rustup\.rs\n$/);
});

peerTest(
  ["bpftool", "xz"],
  "--btfgen adds a layer of BTFs, built twice the same, and leaves the archive as it is",
  async () => {
    await using scratch = await scratchFolder();
    const folder = copyGadget(scratch, "trace-ringbuf");
    // Any file with BTF stands for a kernel.
    const hub = writeFolder(scratch.at("hub/ubuntu/x86_64"), { "5.15.0.btf": readFileSync(OBJECT) });
    await succeed("tar", ["-C", hub, "-cJf", join(hub, "5.15.0.btf.tar.xz"), "--remove-files", "5.15.0.btf"]);
    const before = filesOf(hub);
    mkdirSync(scratch.at("out"));
    const env = { ...recordedTools(scratch, "trace-ringbuf"), SOURCE_DATE_EPOCH: "1" };
    const args = ["image", "build", "--local", "-o", scratch.at("out"), folder];
    const btfgen = [...args, "--btfgen", "--btfhub-archive", scratch.at("hub")];
    const first = await satchelSucceeds(btfgen, { env });
    assert.deepEqual(readdirSync(scratch.at("out")).sort(), ["amd64.bpf.o", "arm64.bpf.o", "btfs-x86_64.tar.gz"]);
    assert.equal(await satchelSucceeds(btfgen, { env }), first);
    assert.notEqual(await satchelSucceeds(args, { env }), first);
    assert.deepEqual(filesOf(hub), before);
    const lacking = await satchel(btfgen, { env: { ...env, BPFTOOL: "/nosuch/bpftool" } });
    assert.match(lacking.stderr, /the program \/nosuch\/bpftool is not there/);
  },
);

Deno.test("many builds at the same time into one store all get their names", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  const folder = copyGadget(scratch, "trace-ringbuf");
  const env = { ...recordedTools(scratch, "trace-ringbuf"), SOURCE_DATE_EPOCH: "1" };
  const names = Array.from({ length: 8 }, (_, at) => `gadget-${at}`);
  await Promise.all(
    names.map((name) => satchelSucceeds(["image", "build", "--local", "-t", name, folder], { store, env })),
  );
  assert.deepEqual((await listAll(store)).map(({ Repository }) => Repository).sort(), names);
  await satchelSucceeds(["store", "check"], { store });
});
