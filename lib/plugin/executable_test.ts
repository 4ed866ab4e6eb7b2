import assert from "node:assert/strict";
import { scratchFolder } from "../../tests/harness/mod.ts";
import { hasCode } from "../error.ts";
import { openNamed, refusalIn, TRANSFER, VERIFY, writeSafely, writeScript } from "./_testing.ts";

/** The message of the refusal when this shell code is what `beforePull` does. */
function refusalBy(body: string, timeout?: number): Promise<string> {
  return refusalIn((scratch) => writeScript(scratch.at("satchel-guard"), ["beforePull"], body), timeout);
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
    version: "1.2.3",
    hook: "beforePull",
    timeout: 5000,
    settings: { list: ["a"] },
    request: TRANSFER,
  });
});

Deno.test("an executable is told who calls, and what a script needs of a transfer", async () => {
  await using scratch = await scratchFolder();
  const show = `env | grep ^SATCHEL_ | sort >> ${scratch.at("env")}`;
  const path = writeSafely(
    scratch.at("satchel-guard"),
    `#!/bin/sh
     ${show}
     case "$1" in
     --satchel-manifest) echo '{"contract":1,"name":"guard","hooks":["afterPush","credentials.get"]}' ;;
     *) case "$2" in afterPush) echo '{"allow":true}' ;; *) echo '{}' ;; esac ;;
     esac`,
    0o755,
  );
  await using host = await openNamed([path], {
    environment: { PATH: "/usr/bin:/bin", SATCHEL_TAG: "of somebody else" },
  });
  const told = () => Deno.readTextFileSync(scratch.at("env")).trim().split("\n");
  const caller = [
    "SATCHEL_CONTRACT=1",
    "SATCHEL_HOOKS=credentials.get,credentials.store,credentials.erase,credentials.list,beforePull,afterPull," +
    "beforePush,afterPush,beforeExport,afterImport,sign,verify",
    "SATCHEL_VERSION=1.2.3",
  ];
  assert.deepEqual(told().filter((line) => !line.startsWith("SATCHEL_TAG=")), caller);
  Deno.removeSync(scratch.at("env"));
  const { tag: _, ...request } = TRANSFER;
  await host.check("afterPush", request);
  assert.deepEqual(
    told(),
    [
      ...caller,
      `SATCHEL_DIGEST=${TRANSFER.subject.digest}`,
      "SATCHEL_REFERENCE=ghcr.io/team/gadget:latest",
      "SATCHEL_REGISTRY=ghcr.io",
      "SATCHEL_REPOSITORY=team/gadget",
      "SATCHEL_STORE=/store",
      "SATCHEL_TAG=",
    ].sort(),
  );
  Deno.removeSync(scratch.at("env"));
  await host.credentialSources()[0].get({ registry: "ghcr.io" });
  assert.ok(told().includes("SATCHEL_VERSION=1.2.3") && !told().includes("SATCHEL_REGISTRY=ghcr.io"));
});

Deno.test("an executable that ends with a status, answers garbage, nothing or too much refuses", async () => {
  const allow = `echo '{"allow":true}'`;
  assert.equal(await refusalBy(`${allow}; exit 3`), "it ended with status 3");
  assert.equal(await refusalBy(`${allow}; kill -9 $$`), "it ended with status 137");
  const noJson = "the answer of beforePull is not JSON in UTF-8, or nests too deep";
  assert.equal(await refusalBy("echo yes"), noJson);
  assert.equal(await refusalBy("true"), "the answer of beforePull is empty");
  assert.equal(await refusalBy(`${allow}; ${allow}`), noJson);
  assert.equal(await refusalBy("echo first >&2; echo 'no \x1bkey' >&2; exit 3"), "it ended with status 3: no \\x1bkey");
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
    "satchel-status": "echo '{}'; echo no such database >&2; exit 1",
    "satchel-old": `echo '{"contract":9,"name":"old","hooks":[]}'`,
    "satchel-hook": `echo '{"contract":1,"name":"hook","hooks":["beforeLunch"]}'`,
    "satchel-long": "exec yes",
  };
  const paths = Object.entries(scripts).map(([name, body]) =>
    writeSafely(scratch.at(name), `#!/bin/sh\n${body}\n`, 0o755)
  );
  const paths2 = [...paths, writeSafely(scratch.at("satchel-none"), "#!/no/such/interpreter\n", 0o755)];
  await using host = await openNamed(paths2);
  const messages = host.plugins.map(({ failure }) => failure?.message ?? "none");
  assert.equal(messages[0], "it ended with status 1: no such database");
  assert.equal(messages[1], "it is for contract 9, this satchel knows 1");
  assert.match(messages[2], /its manifest names "beforeLunch", which is no hook/);
  assert.match(messages[3], /more than 65536 bytes/);
  assert.match(messages[4], /cannot start .*satchel-none/);
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
