import assert from "node:assert/strict";
import { scratchFolder } from "../../tests/harness/mod.ts";
import { hasCode } from "../error.ts";
import { openNamed, TRANSFER, VERIFY, writeSafely, writeScript } from "./_testing.ts";

/** The message of the refusal when this shell code is what `beforePull` does. */
async function refusalBy(body: string, timeout = 20_000): Promise<string> {
  await using scratch = await scratchFolder();
  const path = writeScript(scratch.at("satchel-guard"), ["beforePull"], body);
  await using host = await openNamed([path], { timeout });
  let message = "nothing";
  await assert.rejects(host.check("beforePull", TRANSFER), (error) => {
    assert.ok(hasCode(error, "refused"), String(error));
    message = error.message;
    return true;
  });
  const start = `the plugin guard (${path}) failed in beforePull: `;
  return message.startsWith(start) ? message.slice(start.length) : message;
}

Deno.test("an executable reads the call from stdin and answers on stdout; what it says on stderr is shown", async () => {
  await using scratch = await scratchFolder();
  const path = writeScript(
    scratch.at("satchel-guard"),
    ["beforePull"],
    `echo "$1 $2 $SATCHEL_CONTRACT" >&2; cat >&2; echo '{"allow":false,"reason":"no"}'`,
  );
  await using host = await openNamed([], { named: [{ path, from: "x", settings: { list: ["a"] } }] });
  await assert.rejects(host.check("beforePull", TRANSFER), /^SatchelError: refused by the plugin guard: no$/);
  assert.equal(host.lines[0], "guard: --satchel-hook beforePull 1");
  assert.deepEqual(JSON.parse(host.lines[1].slice("guard: ".length)), {
    contract: 1,
    hook: "beforePull",
    settings: { list: ["a"] },
    request: TRANSFER,
  });
});

Deno.test("an executable that ends with a status, answers garbage, nothing or too much refuses", async () => {
  const allow = `echo '{"allow":true}'`;
  assert.equal(await refusalBy(`${allow}; exit 3`), "it ended with status 3");
  assert.equal(await refusalBy(`${allow}; kill -9 $$`), "it ended with status 137");
  assert.equal(await refusalBy("echo yes"), "the answer is not JSON in UTF-8, or nests too deep");
  assert.equal(await refusalBy("true"), "the answer is empty");
  assert.equal(await refusalBy(`${allow}; ${allow}`), "the answer is not JSON in UTF-8, or nests too deep");
  assert.match(await refusalBy("exec yes"), /wrote more than 4194304 bytes to stdout$/);
});

Deno.test("an executable that does not end in time refuses, and its children die with it", async () => {
  await using scratch = await scratchFolder();
  const mark = scratch.at("pid");
  assert.match(await refusalBy(`sleep 60 & echo $! > ${mark}; wait`, 500), /did not end within 0.5 s$/);
  const pid = Deno.readTextFileSync(mark).trim();
  // The kernel may need a moment to take it away.
  for (let tries = 0; isRunning(pid); tries++) {
    assert.ok(tries < 1000, `${pid} still runs`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

Deno.test("an executable that has ended is not waited for because of what it left behind", async () => {
  await using scratch = await scratchFolder();
  const path = writeScript(
    scratch.at("satchel-guard"),
    ["beforePull"],
    `setsid sleep 20 & echo $! > ${scratch.at("pid")}; echo '{"allow":true}'`,
  );
  await using host = await openNamed([path]);
  const started = performance.now();
  await host.check("beforePull", TRANSFER);
  assert.ok(performance.now() - started < 15_000);
  Deno.kill(Number(Deno.readTextFileSync(scratch.at("pid"))), "SIGKILL");
});

Deno.test("a request that no pipe holds comes through while the answer does", async () => {
  await using scratch = await scratchFolder();
  const path = writeScript(
    scratch.at("satchel-guard"),
    ["verify"],
    `head -c 300000 /dev/zero | tr '\\0' ' '; n=$(wc -c)
     printf '{"verdict":"verified","reason":"%d","evidence":[]}' "$n"`,
  );
  await using host = await openNamed([path]);
  const manifest = "A".repeat(3_000_000);
  const artifact = { descriptor: VERIFY.subject, artifactType: "application/x", manifest, layers: [] };
  const [{ verdict, reason }] = await host.verify({ ...VERIFY, artifacts: [artifact] });
  assert.ok(verdict === "verified" && Number(reason) > manifest.length, reason);
});

Deno.test("an executable need not read its request", async () => {
  await using scratch = await scratchFolder();
  const path = writeScript(
    scratch.at("satchel-guard"),
    ["verify"],
    `echo '{"verdict":"verified","reason":"","evidence":[]}'`,
  );
  await using host = await openNamed([path]);
  const artifact = {
    descriptor: VERIFY.subject,
    artifactType: "application/x",
    manifest: "A".repeat(300_000),
    layers: [],
  };
  assert.equal((await host.verify({ ...VERIFY, artifacts: [artifact] }))[0].verdict, "verified");
});

Deno.test("an executable without a right manifest is a failure", async () => {
  await using scratch = await scratchFolder();
  const scripts = {
    "satchel-status": "echo '{}'; exit 1",
    "satchel-old": `echo '{"contract":9,"name":"old","hooks":[]}'`,
    "satchel-hook": `echo '{"contract":1,"name":"hook","hooks":["beforeLunch"]}'`,
    "satchel-commands": `echo '{"contract":1,"name":"c","hooks":[],"commands":[{"name":"a","short":"b"}]}'`,
    "satchel-long": "exec yes",
  };
  const paths = Object.entries(scripts).map(([name, body]) =>
    writeSafely(scratch.at(name), `#!/bin/sh\n${body}\n`, 0o755)
  );
  const paths2 = [...paths, writeSafely(scratch.at("satchel-none"), "#!/no/such/interpreter\n", 0o755)];
  await using host = await openNamed(paths2);
  const messages = host.plugins.map(({ failure }) => failure?.message ?? "none");
  assert.equal(messages[0], "it ended with status 1");
  assert.match(messages[1], /version 9 of the contract, and this satchel version 1/);
  assert.match(messages[2], /"hooks\[0\]" is "beforeLunch", not one of/);
  assert.match(messages[3], /it names commands/);
  assert.match(messages[4], /more than 65536 bytes/);
  assert.match(messages[5], /cannot start .*satchel-none/);
});

Deno.test("Ctrl-C ends an executable at once", async () => {
  await using scratch = await scratchFolder();
  const controller = new AbortController();
  const path = writeScript(scratch.at("satchel-guard"), ["beforePull"], "echo started >&2; exec sleep 60");
  await using host = await openNamed([path], { signal: controller.signal, onLog: () => controller.abort() });
  await assert.rejects(host.check("beforePull", TRANSFER), (error) => hasCode(error, "cancelled"));
});

Deno.test("of what an executable says without end, a part is shown", async () => {
  await using scratch = await scratchFolder();
  const path = writeScript(
    scratch.at("satchel-guard"),
    ["beforePull"],
    `yes | head -n 5000 >&2; head -c 5000000 /dev/zero >&2; echo '{"allow":true}'`,
  );
  await using host = await openNamed([path]);
  await host.check("beforePull", TRANSFER);
  assert.equal(host.lines.length, 1000);
  assert.match(host.lines.at(-1) ?? "", /is not shown/);
});

function isRunning(pid: string): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}
