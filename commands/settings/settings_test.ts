import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseReference } from "../../lib/oci/mod.ts";
import { parseLine } from "../line/parse.ts";
import { isInsecure, loadSettings } from "./settings.ts";
import { commandTree } from "../tree.ts";

const ROOT = commandTree("satchel");

/** A scratch folder that is the user's configuration folder. */
function configFolder(config?: string): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "satchel-settings-"));
  mkdirSync(join(path, "satchel"));
  if (config !== undefined) writeFileSync(join(path, "satchel", "config.yaml"), config);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

async function settings(line: string, environment: Record<string, string> = {}, config?: string) {
  using folder = configFolder(config);
  const { flags } = parseLine(ROOT, ["image", "pull", "x", ...line.split(" ").filter((word) => word !== "")]);
  return await loadSettings({ flags, environment: { XDG_CONFIG_HOME: folder.path, HOME: "/home/me", ...environment } });
}

Deno.test("a flag comes before the environment, that before the configuration file", async () => {
  const config = "store: /from/file\nauthfile: /auth/file\nconcurrency: 2\nlockTimeout: 5s\n";
  const environment = { SATCHEL_STORE: "/from/environment", REGISTRY_AUTH_FILE: "/auth/environment" };
  const fromFile = await settings("", {}, config);
  assert.equal(fromFile.store, "/from/file");
  assert.equal(fromFile.authFiles.named?.path, "/auth/file");
  assert.equal(fromFile.concurrency, 2);
  assert.equal(fromFile.lockTimeout, 5000);
  const fromEnvironment = await settings("", environment, config);
  assert.equal(fromEnvironment.store, "/from/environment");
  assert.equal(fromEnvironment.authFiles.named?.path, "/auth/environment");
  const fromFlags = await settings(
    "--store /from/flag --authfile /auth/flag --concurrency 9 --lock-timeout 1m",
    environment,
    config,
  );
  assert.equal(fromFlags.store, "/from/flag");
  assert.equal(fromFlags.authFiles.named?.path, "/auth/flag");
  assert.equal(fromFlags.concurrency, 9);
  assert.equal(fromFlags.lockTimeout, 60_000);
});

Deno.test("empty variables count as not set", async () => {
  const { store, authFiles } = await settings("", { SATCHEL_STORE: "", REGISTRY_AUTH_FILE: "" }, "store: /from/file");
  assert.deepEqual([store, authFiles.named?.path], ["/from/file", undefined]);
});

Deno.test("what has to be written to disk for a while goes where TMPDIR says, and not to a /tmp in memory by default", async () => {
  assert.equal((await settings("", { TMPDIR: "/scratch" })).spoolFolder, "/scratch");
  assert.equal((await settings("", { TMPDIR: "" })).spoolFolder, "/var/tmp");
});

Deno.test("insecure registries of all places add up", async () => {
  const { insecureRegistries } = await settings(
    "--insecure-registries a,b:1",
    { SATCHEL_INSECURE_REGISTRIES: "C:2, d" },
    "insecureRegistries: [e]",
  );
  assert.deepEqual(insecureRegistries, ["a", "b:1", "c:2", "d", "e"]);
});

Deno.test("an insecure host without a port stands for all its ports, one with a port for that alone", () => {
  const list = { insecureRegistries: ["localhost", "10.0.0.1:5000", "[::1]", "docker.io"] };
  const insecure = (name: string) => isInsecure(list, parseReference(name));
  assert.ok(insecure("localhost/x"));
  assert.ok(insecure("localhost:5000/x"));
  assert.ok(insecure("LOCALHOST:5000/x"));
  assert.ok(insecure("10.0.0.1:5000/x"));
  assert.ok(insecure("[::1]:5000/x"));
  assert.ok(!insecure("10.0.0.1/x"));
  assert.ok(!insecure("10.0.0.1:5001/x"));
  assert.ok(!insecure("localhost.example/x"));
  assert.ok(!insecure("trace_open"));
});

Deno.test("an insecure registry with a scheme or a path is refused, wherever it stands", async () => {
  const message = /invalid registry "http:\/\/x" in (--insecure-registries|SATCHEL_INSECURE_REGISTRIES)/;
  await assert.rejects(settings("--insecure-registries http://x"), message);
  await assert.rejects(settings("", { SATCHEL_INSECURE_REGISTRIES: "http://x" }), message);
  await assert.rejects(settings("--insecure-registries x/y"), { code: "usage" });
});

Deno.test("a configuration file that was asked for must exist", async () => {
  await assert.rejects(settings("--config /nowhere/config.yaml"), {
    code: "usage",
    message: "cannot read the configuration file /nowhere/config.yaml: it does not exist",
  });
  await assert.rejects(settings("", { SATCHEL_CONFIG: "/nowhere/config.yaml" }), { code: "usage" });
});

Deno.test("a configuration file that was asked for counts more than the usual ones", async () => {
  using named = configFolder("store: /named");
  const path = join(named.path, "satchel", "config.yaml");
  const { store, concurrency } = await settings(`--config ${path}`, {}, "store: /usual\nconcurrency: 4");
  assert.deepEqual([store, concurrency], ["/named", 4]);
});

Deno.test("escape codes go by NO_COLOR and TERM", async () => {
  assert.equal((await settings("", { TERM: "xterm" })).escapes, true);
  assert.equal((await settings("", { TERM: "xterm", NO_COLOR: "1" })).escapes, false);
  assert.equal((await settings("", { TERM: "dumb" })).escapes, false);
});

Deno.test("no store and no nonsense for concurrency", async () => {
  const { flags } = parseLine(ROOT, ["version", "--store="]);
  await assert.rejects(loadSettings({ flags, environment: {} }), { code: "usage", message: "--store needs a path" });
  await assert.rejects(settings("--concurrency 0"), /from 1 to 256/);
  for (const name of ["--authfile", "--config"]) {
    await assert.rejects(settings(`${name}=`), { code: "usage", message: `${name} needs a path` });
  }
});
