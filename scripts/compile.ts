/**
 * Builds `dist/satchel` by `deno compile`: the same program on Deno's runtime.
 *
 *     deno task compile
 *     deno task compile --output /usr/local/bin/satchel
 *
 * `deno compile` fetches its runtime part from Deno's release host. Where that cannot be reached, `DENORT_BIN` set to the
 * `deno` program itself checks everything before that step: the module graph, the flags and the embedded files; what
 * comes out of it is not satchel but `deno`.
 *
 * @module
 */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildInfo } from "./build/version.ts";

/**
 * What the program may do. It reads and writes stores, auth files and configuration wherever the user says and talks to any
 * registry, and it runs plugins and credential helpers, so only the rest can be kept from it: it calls no native code, and of
 * the system it asks for the user's number alone, which tells where the store is and whose files to trust.
 */
const PERMISSIONS = [
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  "--allow-run",
  "--allow-sys=uid",
  "--no-prompt",
];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version, commit } = await buildInfo(root);
const { values } = parseArgs({
  options: { output: { type: "string", default: join(root, "dist/satchel") } },
});

// Deno has no `--define`: two globals, set before main.ts is loaded, stand for it.
await Deno.mkdir(join(root, "dist"), { recursive: true });
const scratch = await Deno.makeTempDir({ dir: join(root, "dist"), prefix: ".compile-" });
try {
  const globals = { SATCHEL_VERSION: version, SATCHEL_COMMIT: commit };
  await Deno.writeTextFile(join(scratch, "define.ts"), `Object.assign(globalThis, ${JSON.stringify(globals)});\n`);
  await Deno.writeTextFile(join(scratch, "satchel.ts"), `import "./define.ts";\nimport "../../main.ts";\n`);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--frozen",
      // Only the packages of the graph are embedded, not all of node_modules with its two copies of Bun.
      "--node-modules-dir=none",
      "--exclude-unused-npm",
      ...PERMISSIONS,
      "--output",
      resolve(values.output),
      join(scratch, "satchel.ts"),
    ],
    cwd: root,
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) Deno.exitCode = 1;
} finally {
  await Deno.remove(scratch, { recursive: true });
}
