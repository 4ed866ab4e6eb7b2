import { strict as assert } from "node:assert";
import { binary, makeCertificates, peerTest, run, satchel, type Scratch, scratchFolder } from "../harness/mod.ts";

const ENVIRONMENT = { HOME: "/nonexistent", SATCHEL_STORE: "/nonexistent/store" };

/** A script that would show itself if anything made the binary run it. */
async function writeForeignScript(scratch: Scratch): Promise<string> {
  const path = scratch.at("foreign.js");
  await Deno.writeTextFile(path, `console.log("foreign code ran");\n`);
  return path;
}

/** Variables by which the runtime under the binary would run foreign code, open a port, or write or print something. */
const VARIABLES: Record<string, (script: string) => Record<string, string>> = {
  "BUN_OPTIONS with a preload": (script) => ({ BUN_OPTIONS: `--preload ${script}` }),
  "a variable BUN whose value starts with OPTIONS=": (script) => ({ BUN: `OPTIONS=--preload ${script}` }),
  "BUN_BE_BUN": () => ({ BUN_BE_BUN: "1" }),
  "a variable BUN whose value starts with BE_BUN=": () => ({ BUN: "BE_BUN=1" }),
  "BUN_INSPECT": () => ({ BUN_INSPECT: "ws://127.0.0.1:0/" }),
  "BUN_INSPECT and BUN_INSPECT_PRELOAD": (script) => ({ BUN_INSPECT: "1", BUN_INSPECT_PRELOAD: script }),
  "BUN_INSPECT_CONNECT_TO": () => ({ BUN_INSPECT_CONNECT_TO: "127.0.0.1:1" }),
  "BUN_JSC_dumpOptions": () => ({ BUN_JSC_dumpOptions: "1" }),
  "a variable BUN whose value starts with JSC_": () => ({ BUN: "JSC_dumpOptions=1" }),
  "NODE_OPTIONS": (script) => ({ NODE_OPTIONS: `--require ${script}` }),
  "NODE_REPL_EXTERNAL_MODULE": (script) => ({ NODE_REPL_EXTERNAL_MODULE: script }),
  "NODE_DEBUG": () => ({ NODE_DEBUG: "http,https,net,tls" }),
  "NODE_CHANNEL_FD": () => ({ NODE_CHANNEL_FD: "2" }),
};

for (const [name, variables] of Object.entries(VARIABLES)) {
  Deno.test(`${name} does not change what the binary does`, async () => {
    await using scratch = await scratchFolder();
    const program = await binary();
    const env = { ...ENVIRONMENT, ...variables(await writeForeignScript(scratch)) };
    const before = await run(program, ["version"], { env: ENVIRONMENT });
    const after = await run(program, ["version"], { env });
    assert.deepEqual({ ...after, ms: 0 }, { ...before, ms: 0 });
    assert.match(after.stdout, /^satchel v\d/);
  });
}

const FILE_WRITERS = [
  "BUN_BYTECODE_ORDER_OUT",
  "BUN_BYTECODE_ORDER_NAMES_OUT",
  "BUN_BYTECODE_DIGEST_OUT",
  "BUN_WATCHER_TRACE",
  "BUN_RUNTIME_TRANSPILER_CACHE_PATH",
];
for (const variable of FILE_WRITERS) {
  Deno.test(`${variable} does not make the binary write a file`, async () => {
    await using scratch = await scratchFolder();
    const env = { ...ENVIRONMENT, [variable]: scratch.at("written") };
    await run(await binary(), ["version"], { env, cwd: scratch.path });
    assert.deepEqual(Array.from(Deno.readDirSync(scratch.path)), []);
  });
}

Deno.test("a plugin is not compiled into a cache, nor taken from one, wherever HOME and the variables lead", async () => {
  await using scratch = await scratchFolder();
  await Deno.chmod(scratch.path, 0o755);
  // Bun caches what has some thousand bytes.
  const filling = "// filling\n".repeat(1000);
  const plugin = `${filling}export default { contract: 1, name: "big", beforePull: () => ({ allow: true }) };\n`;
  await Deno.writeTextFile(scratch.at("big.ts"), plugin, { mode: 0o644 });
  for (const variable of ["XDG_CACHE_HOME", "BUN_RUNTIME_TRANSPILER_CACHE_PATH", "HOME"]) {
    await Deno.mkdir(scratch.at(variable));
    const env = { ...ENVIRONMENT, [variable]: scratch.at(variable) };
    const { code, stdout, stderr } = await run(await binary(), ["plugin", "inspect", scratch.at("big.ts")], { env });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /beforePull/);
    assert.deepEqual(Array.from(Deno.readDirSync(scratch.at(variable))), []);
  }
});

for (const name of ["bun", "bunx", "node"]) {
  Deno.test(`called through a link named ${name} the binary is still satchel`, async () => {
    await using scratch = await scratchFolder();
    await Deno.symlink(await binary(), scratch.at(name));
    const { stdout } = await run(scratch.at(name), ["version"], { env: ENVIRONMENT });
    assert.match(stdout, /^satchel v\d/);
  });
}

Deno.test("a .env, a bunfig.toml and a package.json in the current folder and at home have no effect", async () => {
  await using scratch = await scratchFolder();
  const script = await writeForeignScript(scratch);
  await Deno.writeTextFile(scratch.at(".env"), `SATCHEL_STORE=${scratch.at("from-dotenv")}\n`);
  for (const name of ["bunfig.toml", ".bunfig.toml"]) {
    await Deno.writeTextFile(scratch.at(name), `preload = ["${script}"]\n`);
  }
  await Deno.writeTextFile(scratch.at("package.json"), `{"type":"commonjs"}`);
  const { code, stdout } = await run(await binary(), ["image", "list"], {
    cwd: scratch.path,
    env: { HOME: scratch.path, XDG_CONFIG_HOME: scratch.path, SATCHEL_STORE: scratch.at("store") },
  });
  assert.equal(code, 0);
  assert.ok(!stdout.includes("foreign"));
  await assert.rejects(Deno.stat(scratch.at("from-dotenv")), Deno.errors.NotFound);
});

Deno.test("BUN_CONFIG_VERBOSE_FETCH does not print requests and their credentials", async () => {
  const challenge = { "www-authenticate": 'Basic realm="test"' };
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) =>
      new Response("", request.headers.has("authorization") ? { status: 404 } : { status: 401, headers: challenge }),
  );
  await using scratch = await scratchFolder();
  const host = `127.0.0.1:${server.addr.port}`;
  const auth = btoa("joe:s3cret");
  await Deno.writeTextFile(scratch.at("auth.json"), JSON.stringify({ auths: { [host]: { auth } } }));
  const args = [
    "image",
    "pull",
    `${host}/demo/gadget`,
    "--insecure-registries",
    host,
    "--authfile",
    scratch.at("auth.json"),
  ];
  for (const value of ["1", "true", "curl"]) {
    const { code, stdout, stderr } = await satchel(args, { env: { BUN_CONFIG_VERBOSE_FETCH: value } });
    assert.equal(code, 3, stderr);
    assert.ok(!(stdout + stderr).includes(auth), stderr);
    assert.ok(!/curl|HTTP\/1\.1/i.test(stderr), stderr);
  }
});

peerTest("openssl", "NODE_TLS_REJECT_UNAUTHORIZED=0 does not switch the check of certificates off", async () => {
  await using tls = await makeCertificates();
  let requests = 0;
  const certificate = { cert: await Deno.readTextFile(tls.certificate), key: await Deno.readTextFile(tls.key) };
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...certificate },
    () => {
      requests++;
      return new Response("", { status: 404 });
    },
  );
  const args = ["image", "pull", `localhost:${server.addr.port}/demo/gadget`];
  const refused = await satchel(args, { env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" } });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /certificate|self.signed|issuer/i);
  assert.equal(requests, 0);

  const trusted = await satchel(args, { env: { SSL_CERT_FILE: tls.authority } });
  assert.equal(trusted.code, 3, trusted.stderr);
});
