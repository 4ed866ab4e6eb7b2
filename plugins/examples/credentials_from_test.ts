import assert from "node:assert/strict";
import {
  ACCOUNT,
  ACCOUNT_LINE,
  basic,
  describe,
  makeGadget,
  peerTest,
  pushImage,
  satchel,
  scratchFolder,
  startRegistry,
} from "../../tests/harness/mod.ts";
import { configure } from "../../tests/e2e/plugin_files.ts";
import { installed } from "./_testing.ts";

/** A registry with accounts that holds an image. */
async function closedRegistry() {
  const registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
  await pushImage(registry, "team/app", "v1", makeGadget(), basic());
  const name = `${registry.host}/team/app:v1`;
  return { registry, pull: ["image", "pull", name, "--insecure-registries", registry.host] };
}

peerTest("registry", "credentials-from.ts takes an account from a variable, for its registries alone", async () => {
  await using scratch = await scratchFolder();
  const { registry, pull } = await closedRegistry();
  await using _registry = registry;
  const plugin = await installed(scratch, "credentials-from.ts");
  const env = { REGISTRY_ACCOUNT: `${ACCOUNT.username}:${ACCOUNT.password}` };
  const settings = { registries: [registry.host], variable: "REGISTRY_ACCOUNT" };
  const home = await configure(scratch, plugin, settings);
  const outcome = await satchel(pull, { home, env });
  assert.equal(outcome.code, 0, describe(outcome));
  assert.equal((await satchel(pull, { home })).code, 4, "without the variable there is no account");
  await configure(scratch, plugin, { ...settings, registries: ["registry.example.org"] });
  assert.equal((await satchel(pull, { home, env })).code, 4, "the account is for another registry");
});

peerTest("registry", "credentials-from.ts takes an account from an endpoint on the loopback interface", async () => {
  await using scratch = await scratchFolder();
  const { registry, pull } = await closedRegistry();
  await using _registry = registry;
  const asked: string[] = [];
  let answer = () => Response.json(ACCOUNT);
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, ({ url }) => {
    asked.push(new URL(url).search);
    return answer();
  });
  const url = `http://127.0.0.1:${server.addr.port}/account`;
  const plugin = await installed(scratch, "credentials-from.ts");
  const home = await configure(scratch, plugin, { registries: [registry.host], url });
  const outcome = await satchel(pull, { home });
  assert.equal(outcome.code, 0, describe(outcome));
  assert.equal(asked[0], `?registry=${encodeURIComponent(registry.host)}`);

  for (
    const [wrong, says] of [
      [() => Response.json({ username: "u", secret: "s3cret" }), /answers without username and password/],
      [() => new Response("s3cret"), /answers with something else than JSON/],
      [() => new Response("s3cret", { status: 500 }), /answers with status 500/],
      [() => Response.redirect("http://127.0.0.1:1/"), /credentials\.get/],
      [() => new Response("s3cret".repeat(20_000)), /answers with too much/],
    ] as const
  ) {
    answer = wrong;
    const failed = await satchel(pull, { home });
    assert.notEqual(failed.code, 0);
    assert.match(failed.stderr, says);
    assert.doesNotMatch(failed.stderr, /s3cret/);
  }

  await configure(scratch, plugin, { registries: [registry.host], url: "http://accounts.example.org/" });
  const unsafe = await satchel(pull, { home });
  assert.match(unsafe.stderr, /settings\.url must be https, or http on the loopback interface/);
});
