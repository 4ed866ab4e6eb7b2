/**
 * Builds `dist/satchel` by Bun, from npm packages alone.
 *
 *     deno task build                                  for this machine
 *     deno task build --target linux-arm64 --target macos-arm64
 *     deno task build --target all                     dist/satchel-<target> for each
 *
 * `SATCHEL_COMMIT` names the commit where there is no git repository to ask.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hostTarget, installedBun, type Target, targetNamed, TARGETS } from "./build/targets.ts";
import { buildInfo } from "./build/version.ts";
import { sealedRuntime } from "./build/runtime.ts";

/** What Bun is called with, beside names and paths. */
const FLAGS = [
  "--compile",
  "--minify",
  "--bytecode",
  "--splitting",
  "--format=esm",
  // Without these two a `.env` or `bunfig.toml` in the current folder sets variables or runs code in the binary.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

const root = dirname(dirname(fileURLToPath(import.meta.url)));

async function build(target: Target, outfile: string): Promise<void> {
  const started = performance.now();
  const host = await hostTarget(root);
  const { version, commit } = await buildInfo(root);
  const scratch = `${outfile}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  const { success } = await new Deno.Command(installedBun(root, host), {
    args: [
      "build",
      ...FLAGS,
      "--define",
      `SATCHEL_VERSION=${JSON.stringify(version)}`,
      "--define",
      `SATCHEL_COMMIT=${JSON.stringify(commit)}`,
      `--target=${target.package.replace("aarch64", "arm64")}`,
      "--compile-executable-path",
      await sealedRuntime(root, target),
      "--outfile",
      scratch,
      "main.ts",
    ],
    cwd: root,
    // The build must not depend on what the caller's environment tells Bun.
    clearEnv: true,
    env: Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("BUN_"))),
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!success) Deno.exit(1);
  // A binary that is being run is replaced, not written over.
  await Deno.rename(scratch, outfile);
  const { size } = await Deno.stat(outfile);
  console.error(
    `Built ${outfile.slice(root.length + 1)} (${Math.round(size / 1e6)} MB, ${
      Math.round(performance.now() - started)
    } ms)`,
  );
}

const { values } = parseArgs({ args: Deno.args, options: { target: { type: "string", multiple: true } } });
await Deno.mkdir(join(root, "dist"), { recursive: true });
if (values.target === undefined) {
  await build(await hostTarget(root), join(root, "dist/satchel"));
} else {
  const targets = values.target.includes("all") ? TARGETS : values.target.map(targetNamed);
  for (const target of targets) await build(target, join(root, `dist/satchel-${target.name}`));
}
