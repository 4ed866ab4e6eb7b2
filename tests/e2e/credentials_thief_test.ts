import { strict as assert } from "node:assert";
import {
  ACCOUNT,
  basic,
  describe,
  makeGadget,
  peerTest,
  satchel,
  scratchFolder,
  startRegistry,
  startTokenService,
  writeAuthFile,
} from "../harness/mod.ts";
import { type HostileRegistry, reply, startHostileRegistry } from "./hostile_registry.ts";

const gadget = makeGadget({ seed: "credentials_thief_test" });

/** A server that wants everybody's name and password. */
function startThief(challenge = "Basic realm=please"): Promise<HostileRegistry> {
  return startHostileRegistry(gadget, (_request, response) => reply(response, 401, { "www-authenticate": challenge }));
}

/** Everything that was sent to a server as an account. */
function stolen({ received }: HostileRegistry): string[] {
  return received.flatMap(({ authorization }) => authorization ?? []);
}

peerTest("registry", "an account for one registry goes to no other port, name or look-alike of it", async () => {
  await using registry = await startRegistry();
  await using thief = await startThief();
  await using scratch = await scratchFolder();
  const port = thief.host.split(":")[1];
  // Each is nearly the thief's name, by a rule that would be too generous.
  const keys = [
    registry.host,
    "127.0.0.1",
    "http://127.0.0.1",
    `127.0.0.1:${port.slice(0, -1)}`,
    `127.0.0.1:${port}0`,
    `0127.0.0.1:${port}`,
    `127.0.0.1.example.org:${port}`,
    `example.org/${thief.host}`,
    `${thief.host}/somebody/else`,
    `${thief.host}/demo/gad`,
  ];
  const authfile = await writeAuthFile(
    scratch.at("auth.json"),
    Object.fromEntries(keys.map((key) => [key, ACCOUNT])),
  );
  for (const host of [thief.host, `localhost:${port}`]) {
    const args = ["image", "pull", `${host}/demo/gadget`, "--authfile", authfile, "--insecure-registries", host];
    const outcome = await satchel(args);
    assert.equal(outcome.code, 4, describe(outcome));
  }
  assert.ok(thief.received.length >= 2);
  assert.deepEqual(stolen(thief), []);
});

Deno.test("a credential helper is asked for the registry that wants an account, not for another one that it knows", async () => {
  await using thief = await startThief();
  await using scratch = await scratchFolder();
  await Deno.chmod(scratch.path, 0o755);
  await Deno.writeTextFile(
    scratch.at("docker-credential-test"),
    `#!/bin/sh\ncat >> ${scratch.at("asked")}; echo >> ${
      scratch.at("asked")
    }\necho "credentials not found in native keychain"; exit 1\n`,
    { mode: 0o755 },
  );
  const auths = { auths: {}, credsStore: "test", credHelpers: { "ghcr.io": "test" } };
  await Deno.writeTextFile(scratch.at("auth.json"), JSON.stringify(auths), { mode: 0o600 });
  const outcome = await satchel(
    [
      "image",
      "pull",
      `${thief.host}/demo/gadget`,
      "--authfile",
      scratch.at("auth.json"),
      "--insecure-registries",
      thief.host,
    ],
    { env: { PATH: `${scratch.path}:/usr/bin:/bin` } },
  );
  assert.equal(outcome.code, 4, describe(outcome));
  const asked = (await Deno.readTextFile(scratch.at("asked"))).split("\n").filter((line) => line !== "");
  assert.deepEqual(asked.filter((line) => !line.endsWith(thief.host)), []);
  assert.deepEqual(stolen(thief), []);
});

Deno.test("a registry that names the token service of another one is not given that one's account", async () => {
  await using service = await startTokenService();
  await using thief = await startThief(`Bearer realm="${service.realm}",service="${service.service}"`);
  await using scratch = await scratchFolder();
  const authfile = await writeAuthFile(scratch.at("auth.json"), {
    [new URL(service.realm).host]: ACCOUNT,
    "registry.example.org": ACCOUNT,
  });
  const outcome = await satchel(
    ["image", "pull", `${thief.host}/demo/gadget`, "--authfile", authfile, "--insecure-registries", thief.host],
  );
  assert.equal(outcome.code, 4, describe(outcome));
  assert.deepEqual(service.requests.map(({ account, status }) => ({ account, status })), [{
    account: undefined,
    status: 401,
  }]);
  assert.deepEqual(stolen(thief), []);
});

Deno.test("a login is tried on the registry alone: a redirect takes no account along", async () => {
  await using thief = await startThief();
  await using registry = await startHostileRegistry(gadget, (request, response) => {
    if (!request.headers.authorization) return reply(response, 401, { "www-authenticate": "Basic realm=registry" });
    reply(response, 307, { location: `http://${thief.host}/v2/` });
  });
  await using scratch = await scratchFolder();
  const args = ["login", registry.host, "--plain-http", "-u", ACCOUNT.username, "--password-stdin"];
  const outcome = await satchel([...args, "--authfile", scratch.at("auth.json")], { stdin: ACCOUNT.password });
  assert.equal(outcome.code, 4, describe(outcome));
  assert.deepEqual(stolen(registry), [basic().authorization]);
  assert.ok(thief.received.length > 0);
  assert.deepEqual(stolen(thief), []);
  await assert.rejects(Deno.stat(scratch.at("auth.json")), Deno.errors.NotFound);
});
