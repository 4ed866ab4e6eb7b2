/**
 * Everything that has to hold: format, lint, types, the build, then all tests. The last line of the output counts tests,
 * `N passed, N failed, N skipped`; a step that fails counts as one test that failed.
 *
 *     deno task test                                   everything
 *     deno task test tests/e2e/store_test.ts           the build, and the tests in some files or folders
 *     deno task test --filter "resumed"                other arguments go to `deno test`
 *
 * Tests that need a program which is not installed are skipped and listed; with `SATCHEL_REQUIRE_PEERS=1` they fail.
 *
 * @module
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

interface Counts {
  passed: number;
  failed: number;
  skipped: string[];
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const deno = Deno.execPath();

/** Beyond this a test hangs: milliseconds for all tests together. */
const TEST_LIMIT = 20 * 60_000;

async function step(name: string, args: string[]): Promise<boolean> {
  const started = performance.now();
  const { success } = await new Deno.Command(deno, { args, cwd: root, stdout: "inherit", stderr: "inherit" }).output();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${success ? "ok" : "FAILED"}: ${name} (${seconds} s)`);
  return success;
}

/** Runs `deno test`, shows what it prints, and counts. */
async function tests(args: string[]): Promise<Counts> {
  const child = new Deno.Command(deno, {
    args: ["test", "--allow-all", "--no-check", "--parallel", ...args],
    cwd: root,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), TEST_LIMIT);
  const counts: Counts = { passed: 0, failed: 0, skipped: [] };
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    await Deno.stdout.write(new TextEncoder().encode(text));
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) readLine(stripVTControlCharacters(line), counts);
  }
  clearTimeout(timer);
  const { success } = await child.status;
  // A module that is missing or cannot be parsed ends the whole run without a summary.
  if (!success && counts.failed === 0) counts.failed = 1;
  return counts;
}

/** Reads one line of the report: a skipped test, or the summary `FAILED | 3 passed (1 step) | 1 failed | 1 ignored`. */
function readLine(line: string, counts: Counts): void {
  const skipped = /^(?:\S+ => )?(.+?) \.\.\. ignored \(/.exec(line);
  if (skipped) counts.skipped.push(skipped[1]);
  if (!/^(ok|FAILED) \| \d+ passed/.test(line)) return;
  counts.passed = Number(/(\d+) passed/.exec(line)?.[1] ?? 0);
  counts.failed = Number(/(\d+) failed/.exec(line)?.[1] ?? 0);
}

const counts: Counts = { passed: 0, failed: 0, skipped: [] };
let ready = true;
if (Deno.args.length === 0) {
  const steps = [
    await step("format", ["fmt", "--check", "--quiet"]),
    await step("lint", ["lint", "--quiet"]),
    await step("types", ["check", "--quiet", "."]),
    await step("example of the library", ["check", "--quiet", "--doc", "lib/mod.ts"]),
  ];
  counts.failed += steps.filter((success) => !success).length;
}
if (!await step("build", ["task", "--quiet", "build"])) {
  counts.failed++;
  ready = false;
}
if (ready) {
  const run = await tests(Deno.args);
  counts.passed += run.passed;
  counts.failed += run.failed;
  counts.skipped.push(...run.skipped);
}
if (counts.skipped.length > 0) {
  console.log(`\nSkipped:`);
  for (const name of counts.skipped) console.log(`- ${name}`);
}
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped.length} skipped`);
const ranSome = counts.passed > 0 || Deno.args.length > 0;
Deno.exit(counts.failed === 0 && ranSome ? 0 : 1);
