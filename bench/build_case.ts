/** Cases of builds: all that is done around the compilers, and all with them. @module */
import { type Bench, type Case, plainTurn, removeFolder } from "./case.ts";
import { commandLine, type Tool } from "./tools.ts";

const GADGET = new URL("../tests/fixtures/gadgets/trace-ringbuf", import.meta.url).pathname;

/** A build by programs that take no time: they copy a recorded object, and strip nothing. */
export const BUILD_CASE: Case = {
  name: "build",
  title: () => "build a gadget, compilers that take no time",
  runs: 5,
  prepare: (bench) => prepare(bench, recordedPrograms(`${bench.scratch}/bin`)),
};

/** The same by clang. */
export const BUILD_WITH_CLANG_CASE: Case = {
  name: "build-clang",
  title: () => "build a gadget by clang",
  runs: 3,
  prepare: (bench) => prepare(bench, []),
};

/** @param environment `NAME=VALUE`, each */
function prepare({ scratch }: Bench, environment: readonly string[]): ReturnType<Case["prepare"]> {
  const store = `${scratch}/store`;
  return Promise.resolve({
    turn: (tool: Tool) => {
      const args = tool.build?.(`${GADGET}/source`, store);
      return Promise.resolve(args && plainTurn(["env", ...environment, ...commandLine(tool, args, store)]));
    },
    [Symbol.asyncDispose]: () => removeFolder(store),
  });
}

/** Found by `PATH`, since nothing else tells ig. */
function recordedPrograms(folder: string): string[] {
  Deno.mkdirSync(folder, { recursive: true });
  const clang = 'while [ $# -gt 1 ]; do [ "$1" = -o ] && exec cp "$0.o" "$2"; shift; done';
  for (const [name, script] of Object.entries({ clang, "llvm-strip": "exit 0" })) {
    Deno.writeTextFileSync(`${folder}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  Deno.copyFileSync(`${GADGET}/objects/amd64.bpf.o`, `${folder}/clang.o`);
  return [`PATH=${folder}:${Deno.env.get("PATH")}`];
}
