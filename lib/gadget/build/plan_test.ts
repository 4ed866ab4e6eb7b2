import assert from "node:assert/strict";
import { type PlanOptions, planSteps } from "./plan.ts";
import type { GadgetSource } from "./source.ts";
import { joinWords } from "./words.ts";

const PLACES = { source: "/src", output: "/out", btfhubArchive: undefined };
const OPTIONS: PlanOptions = {
  tools: { clang: ["clang"], llvmStrip: ["llvm-strip"] },
  hostArchitecture: "amd64",
  cflags: [],
  areNamesAbsolute: false,
  headersOf: undefined,
  isReproducible: false,
  hasColor: false,
};
const SOURCE: GadgetSource = {
  folder: "/src",
  ebpf: "program.bpf.c",
  wasm: undefined,
  metadata: undefined,
  oddities: [],
};

function commands(source: Partial<GadgetSource>, options: Partial<PlanOptions> = {}): string[] {
  const steps = planSteps({ ...SOURCE, ...source }, PLACES, { ...OPTIONS, ...options });
  return steps.map(({ command, environment }) =>
    [...Object.entries(environment).map(([name, value]) => `${name}=${value}`), joinWords(command)].join(" ")
  );
}

Deno.test("eBPF is compiled and stripped by the commands of ig", () => {
  assert.deepEqual(commands({}), [
    "clang -target bpf -Wall -g -O2 -I/usr/include/x86_64-linux-gnu -D __TARGET_ARCH_x86 -c program.bpf.c " +
    "-I /usr/include/gadget/amd64/ -o /out/amd64.bpf.o",
    "llvm-strip -g /out/amd64.bpf.o",
    "clang -target bpf -Wall -g -O2 -I/usr/include/x86_64-linux-gnu -D __TARGET_ARCH_arm64 -c program.bpf.c " +
    "-I /usr/include/gadget/arm64/ -o /out/arm64.bpf.o",
    "llvm-strip -g /out/arm64.bpf.o",
  ]);
});

Deno.test("stripping waits for compiling, and the architectures not for each other", () => {
  const after = planSteps(SOURCE, PLACES, OPTIONS).map(({ after }) => after);
  assert.deepEqual(after, [[], ["clang compile for amd64"], [], ["clang compile for arm64"]]);
});

Deno.test("headers follow the host, and there are none of an unknown one", () => {
  assert.match(commands({}, { hostArchitecture: "arm64" })[0], / -I\/usr\/include\/aarch64-linux-gnu -D /);
  assert.match(commands({}, { hostArchitecture: "mips" })[0], / -O2 -D /);
});

Deno.test("in a container sources have their whole path, and the headers of a tree of sources stand last", () => {
  const [command] = commands({}, { areNamesAbsolute: true, headersOf: "/work" });
  assert.match(command, / -c \/src\/program\.bpf\.c .* -I \/work\/include\/ -I \/work\/include\/gadget\/amd64\/$/);
});

Deno.test("programs with arguments, more flags and colours have their places", () => {
  const [compile, strip] = commands({}, {
    tools: { clang: ["ccache", "clang"], llvmStrip: ["strip", "-v"] },
    cflags: ["-DA", "-I", "x y"],
    hasColor: true,
  });
  assert.match(compile, /^ccache clang -target bpf .* -fcolor-diagnostics .* -D __TARGET_ARCH_x86 -DA -I 'x y' -c /);
  assert.equal(strip, "strip -v -g /out/amd64.bpf.o");
});

Deno.test("what shall be reproducible has its folder mapped away", () => {
  assert.match(
    commands({}, { isReproducible: true })[0],
    / -ffile-prefix-map=\/src=\/gadget -c \/src\/program\.bpf\.c /,
  );
  const go = commands({ ebpf: undefined, wasm: { name: "go/a.go", kind: "go" } }, { isReproducible: true });
  assert.match(go[0], / -trimpath -buildvcs=false a\.go$/);
  const rust = commands({ ebpf: undefined, wasm: { name: "src/lib.rs", kind: "rust" } }, { isReproducible: true });
  assert.match(rust[0], / --config 'target\.wasm32-wasip1\.rustflags=\["--remap-path-prefix=\/src=\/gadget"\]'$/);
});

Deno.test("modules are built by the commands of ig", () => {
  assert.deepEqual(commands({ ebpf: undefined, wasm: { name: "go/program.go", kind: "go" } }), [
    "CGO_ENABLED=0 GOOS=wasip1 GOARCH=wasm go build -C go -o /out/program.wasm -buildmode=c-shared -ldflags '-w -s' program.go",
  ]);
  assert.deepEqual(commands({ ebpf: undefined, wasm: { name: "rust/src/lib.rs", kind: "rust" } }), [
    "CARGO_TARGET_DIR=/out cargo build --target wasm32-wasip1 --release --manifest-path rust/Cargo.toml",
  ]);
});

Deno.test("what is ready takes no step", () => {
  assert.deepEqual(commands({ ebpf: undefined }), []);
  assert.deepEqual(commands({ ebpf: undefined, wasm: { name: "a.wasm", kind: "ready" } }), []);
});
