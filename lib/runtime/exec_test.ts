import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasCode } from "../error.ts";
import { scratchFolder, startInBackground } from "../../tests/harness/mod.ts";
import { runProgram } from "./exec.ts";

const sh = (script: string, options: Partial<Parameters<typeof runProgram>[2]> = {}) =>
  runProgram("/bin/sh", ["-c", script], { environment: {}, maxOutput: 1000, ...options });
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("a program gets its input, its environment alone, and its status and output come back", async () => {
  const { status, stdout, stderr } = await sh("cat; echo $A$HOME; echo e >&2; exit 5", {
    stdin: "in ",
    environment: { A: "a", GONE: undefined },
  });
  assert.deepEqual([status, textOf(stdout), textOf(stderr)], [5, "in a\n", "e\n"]);
});

Deno.test("a program that a signal ends has the status that a shell would tell", async () => {
  assert.equal((await sh("kill -TERM $$")).status, 143);
});

Deno.test("a program that says too much, on stdout or stderr, is ended", async () => {
  await assert.rejects(sh("exec yes"), /wrote more than 1000 bytes to stdout/);
  await assert.rejects(sh("exec yes >&2"), /wrote more than 1000 bytes to stderr/);
  assert.equal((await sh("head -c 1000 /dev/zero")).stdout.length, 1000);
});

Deno.test("a program that is not there is told as that", async () => {
  const start = (program: string) => runProgram(program, [], { environment: {}, maxOutput: 1 });
  await assert.rejects(
    start("/no/such/program"),
    (error) => hasCode(error, "program") && /is not there/.test(error.message),
  );
  await assert.rejects(start("/etc/passwd"), /may not be executed/);
});

Deno.test("an aborted signal ends a program, or lets none start", async () => {
  const controller = new AbortController();
  const running = sh("echo started >&2; exec sleep 60", {
    signal: controller.signal,
    onStderr: () => controller.abort(),
  });
  await assert.rejects(running, (error) => hasCode(error, "cancelled"));
  await assert.rejects(sh("true", { signal: controller.signal }), (error) => hasCode(error, "cancelled"));
});

Deno.test("a program that shares the terminal stays in the session of this process, and others do not", async () => {
  const session = async (terminal: "none" | "shared") =>
    textOf((await sh("ps -o sid= -p $$", { terminal, environment: { PATH: "/usr/bin:/bin" } })).stdout).trim();
  const own = textOf((await new Deno.Command("ps", { args: ["-o", "sid=", "-p", String(Deno.pid)] }).output()).stdout);
  assert.equal(await session("shared"), own.trim());
  assert.notEqual(await session("none"), own.trim());
});

Deno.test("a program that shares the terminal is asked to end, and killed if it does not", async () => {
  await using scratch = await scratchFolder();
  const ended = (script: string) =>
    sh(script, { terminal: "shared", timeout: 200, environment: { PATH: "/usr/bin:/bin" } });
  const mark = scratch.at("mark");
  await assert.rejects(ended(`trap 'touch ${mark}; exit' TERM; sleep 0.4`), /did not end within 0.2 s/);
  await until(() => exists(mark));
  const pid = scratch.at("pid");
  await assert.rejects(ended(`trap '' TERM; echo $$ > ${pid}; while :; do sleep 0.1; done`), /did not end/);
  await until(() => !exists(`/proc/${Deno.readTextFileSync(pid).trim()}`));
});

/** Waits for something that takes a moment. */
async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    assert.ok(tries < 2000, "it did not happen");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Starts a script by `runInteractive` in a process of its own, which prints the status that it got. */
function interactive(script: string) {
  const module = join(dirname(fileURLToPath(import.meta.url)), "exec.ts");
  const code = `import { runInteractive } from ${JSON.stringify(module)};
    process.on("SIGTERM", () => process.exit(99));
    const status = await runInteractive("/bin/sh", ["-c", ${JSON.stringify(script)}], process.env);
    console.log("status " + status);`;
  const args = ["eval", "--no-check", `import process from "node:process"; ${code}`];
  const env = { HOME: Deno.env.get("HOME") ?? "/", DENO_NO_UPDATE_CHECK: "1" };
  return startInBackground(Deno.execPath(), args, { env, ready: (line) => line === "started" || undefined });
}

const statusIn = (line: string) => /^status (\d+)$/.exec(line)?.[1];

Deno.test("a program on the streams of this process gets its signals, and decides what they do", async () => {
  await using running = await interactive(
    "trap 'echo got it; exit 7' TERM; echo started; while :; do sleep 0.01; done",
  );
  running.kill("SIGTERM");
  assert.equal(await running.waitFor(statusIn), "7");
  assert.ok(running.lines.includes("got it"));
});

Deno.test("a program on the streams of this process that a signal ends has the status that a shell would tell", async () => {
  await using running = await interactive("echo started; exec sleep 60");
  running.kill("SIGINT");
  assert.equal(await running.waitFor(statusIn), "130");
});
