import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import {
  capabilityTest,
  describe,
  findPeer,
  peerTest,
  run,
  satchel,
  satchelSucceeds,
  scratchFolder,
} from "../harness/mod.ts";
import {
  copyGadget,
  GADGET_NAMES,
  GADGETS,
  listAll,
  placeGadget,
  RECORDED,
  recordedDigest,
  recordedTools,
  writeFolder,
} from "./build_gadgets.ts";

const isRecordedClang = await hasRecordedClang();

/** Other compilers make other objects. */
async function hasRecordedClang(): Promise<boolean> {
  const clang = findPeer("clang");
  return clang !== undefined && (await run(clang, ["--version"])).stdout.includes(" 14.0.6");
}

for (const name of GADGET_NAMES) {
  const hasSource = existsSync(join(GADGETS, name, "objects"));
  const test = async () => {
    using place = placeGadget(name);
    await using scratch = await scratchFolder();
    const args = ["image", "build", "--local", "--quiet", ...RECORDED.flags, "-t", name, place.folder];
    const store = scratch.at("store");
    const built = await satchelSucceeds(args, { store, env: RECORDED.env });
    assert.equal(built.trim(), `ghcr.io/inspektor-gadget/gadget/${name}:latest@${recordedDigest(name)}`);
    assert.equal(await satchelSucceeds(args, { store, env: RECORDED.env }), built, "built twice");
    await satchelSucceeds(["store", "check"], { store });
    assert.deepEqual((await listAll(store)).map(({ Digest }) => Digest), [recordedDigest(name)]);
  };
  const title = `${name} is built to the digest of ig, twice`;
  if (!hasSource) Deno.test(title, test);
  else if (isRecordedClang || findPeer("clang") === undefined) {
    capabilityTest(["bpf-headers", "clang", "llvm-strip"], title, test);
  } else Deno.test({ name: `${title} (skipped: clang is not 14.0.6)`, ignore: true, fn: test });

  if (!hasSource) continue;
  Deno.test(`${name} is packed to the digest of ig without a compiler, from the recorded objects`, async () => {
    await using scratch = await scratchFolder();
    const env = { ...RECORDED.env, ...recordedTools(scratch, name) };
    const args = ["image", "build", "--local", ...RECORDED.flags, copyGadget(scratch, name)];
    assert.equal(await satchelSucceeds(args, { env }), `${recordedDigest(name)}\n`);
  });
}

capabilityTest(
  ["bpf-headers", "clang", "llvm-strip"],
  "the digest depends on the folder of the sources, but not with --reproducible, whatever way leads to them",
  async () => {
    await using scratch = await scratchFolder();
    const source = readFileSync(join(GADGETS, "trace-ringbuf/source/program.bpf.c"), "utf8");
    const files = {
      "program.bpf.c": `#include "beside.h"\n#include <own.h>\n${source}`,
      "beside.h": "static inline const char *beside(void) { return __FILE__; }\n",
      "include/own.h":
        "static const char *own(void) { return __FILE__; }\nint uses_own(void) { return *own() + *beside(); }\n",
      "gadget.yaml": "name: a\n",
      "build.yaml": "cflags: -Iinclude\n",
    };
    const folders = ["one", "two/three"].map((name) => writeFolder(scratch.at(name), files));
    symlinkSync(folders[1], scratch.at("link"));
    const digests = async (paths: string[], flags: string[], cwd: string) => {
      const built = paths.map((path) =>
        satchelSucceeds(["image", "build", "-q", "--local", ...flags, path], { cwd, env: {} })
      );
      return new Set(await Promise.all(built));
    };
    const paths = [...folders, scratch.at("link"), "link", "one"];
    const [digest, ...others] = await digests(paths, ["--reproducible"], scratch.path);
    assert.deepEqual(others, []);
    assert.deepEqual(await digests(["."], ["--reproducible"], folders[0]), new Set([digest]));
    // As a shell has it that went there by a link.
    const byLink = await satchelSucceeds(["image", "build", "-q", "--local", "--reproducible", "."], {
      cwd: scratch.at("link"),
      env: { PWD: scratch.at("link") },
    });
    assert.equal(byLink, digest);
    const unmappable = writeFolder(scratch.at("a=b"), files);
    const refused = await satchel(["image", "build", "--local", "--reproducible", unmappable]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /it has a = in its name\nHint: /);
    const env = { SOURCE_DATE_EPOCH: "0" };
    const usual = folders.map((path) => satchelSucceeds(["image", "build", "-q", "--local", path], { env }));
    assert.equal(new Set(await Promise.all(usual)).size, 2);
  },
);

capabilityTest(
  ["bpf-headers", "clang", "llvm-strip"],
  "flags of build.yaml and of the command line reach clang, in this order",
  async () => {
    await using scratch = await scratchFolder();
    const source = '#include "own.h"\n#if FIRST != 1 || SECOND != 2\n#error flags are missing\n#endif\nint x;\n';
    const folder = writeFolder(scratch.at("gadget"), {
      "program.bpf.c": source,
      "my include/own.h": "",
      "build.yaml": `cflags: -DFIRST=1 -DSECOND=1 "-Imy include"\n`,
    });
    const args = ["image", "build", "--local", folder];
    const without = await satchel(args);
    assert.equal(without.code, 1);
    assert.match(without.stderr, /error: flags are missing/);
    await satchelSucceeds([...args, "--cflags", "-USECOND", "--cflags", "-D 'SECOND=2'"]);
  },
);

capabilityTest(
  ["bpf-headers", "clang", "llvm-strip"],
  "a source that does not compile is shown as clang shows it, with the command; a missing header with where it comes from",
  async () => {
    await using scratch = await scratchFolder();
    const fails = async (source: string) => {
      const folder = writeFolder(scratch.at("gadget"), { "program.bpf.c": source });
      const store = scratch.at("store");
      const outcome = await satchel(["image", "build", "--local", "-t", "x", folder], { store });
      assert.deepEqual([outcome.code, outcome.stdout], [1, ""], describe(outcome));
      assert.deepEqual(await listAll(store), []);
      return outcome.stderr;
    };
    const broken = await fails("int x = ;\n");
    assert.match(broken, /^program\.bpf\.c:1:9: error: expected expression\nint x = ;\n {8}\^\n1 error generated\.\n/);
    assert.match(
      broken,
      /\nError: building .*: clang compile for (amd64|arm64) failed with status 1: clang -target bpf /,
    );
    assert.match(await fails("#include <gadget/nosuch.h>\n"), /\nHint: .*comes with the sources of Inspektor Gadget/);
    assert.match(
      await fails("#include <bpf/nosuch.h>\n"),
      /\nHint: libbpf-dev is there, and bpf\/nosuch\.h not in it: /,
    );
    assert.match(await fails("#include <linux/nosuch.h>\n"), /\nHint: linux-libc-dev is there, /);
    assert.match(await fails('#include "nosuch.h"\n'), /\nHint: .*cflags: -IFOLDER/);
  },
);

/** That of whoever runs the tests: to translate Go's own library anew takes long. */
function goCache(): string {
  return join(Deno.env.get("HOME") ?? "/root", ".cache/go-build");
}

peerTest("go", "a module is built from Go, and -o keeps it", async () => {
  await using scratch = await scratchFolder();
  const folder = writeFolder(scratch.at("gadget"), {
    "build.yaml": "wasm: go/program.go\n",
    "go/go.mod": "module example.org/gadget\n\ngo 1.24\n",
    "go/program.go":
      "package main\n\n//go:wasmexport gadgetAPIVersion\nfunc gadgetAPIVersion() uint64 { return 1 }\n\n" +
      "func main() {}\n",
  });
  mkdirSync(scratch.at("out"));
  const env = { GOFLAGS: "-mod=mod", GOPROXY: "off", GOTOOLCHAIN: "local", GOCACHE: goCache() };
  const built = await satchelSucceeds(["image", "build", "-l", "-t", "g", "-o", scratch.at("out"), folder], { env });
  assert.match(built, /\/g:latest@sha256:/);
  assert.deepEqual(readdirSync(scratch.at("out")), ["program.wasm"]);
  const module = readFileSync(scratch.at("out/program.wasm"));
  assert.equal(module.subarray(0, 8).toString("hex"), "0061736d01000000");
  assert.ok(module.includes("gadgetAPIVersion"));
});
