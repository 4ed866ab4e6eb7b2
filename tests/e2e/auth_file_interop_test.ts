import { strict as assert } from "node:assert";
import {
  ACCOUNT,
  ACCOUNT_LINE,
  basic,
  crane,
  makeGadget,
  oras,
  peerTest,
  pushImage,
  type Registry,
  satchel,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  skopeo,
  startRegistry,
} from "../harness/mod.ts";

const { username, password } = ACCOUNT;

/** A client that logs in to an auth file, and reads a tag list with what it finds in one. */
interface Client {
  logIn(host: string, scratch: Scratch): Promise<unknown>;
  /** The auth file of its own login. */
  file(scratch: Scratch): string;
  /** Does something for which the registry wants an account. */
  listTags(host: string, file: string, scratch: Scratch): Promise<string>;
}

const CLIENTS: Record<"oras" | "crane" | "skopeo", Client> = {
  oras: {
    logIn: (host, scratch) =>
      oras(
        [
          "login",
          host,
          "--plain-http",
          "-u",
          username,
          "--password-stdin",
          "--registry-config",
          scratch.at("oras.json"),
        ],
        { stdin: password, env: { HOME: scratch.path } },
      ),
    file: (scratch) => scratch.at("oras.json"),
    listTags: (host, file, scratch) =>
      oras(["repo", "tags", `${host}/demo/gadget`, "--plain-http", "--registry-config", file], {
        env: { HOME: scratch.path },
      }),
  },
  crane: {
    logIn: (host, scratch) =>
      crane(["auth", "login", host, "-u", username, "--password-stdin", "--insecure"], {
        stdin: password,
        env: { HOME: scratch.path, DOCKER_CONFIG: scratch.at("crane") },
      }),
    file: (scratch) => scratch.at("crane", "config.json"),
    // It wants a folder with a file of this name in it.
    listTags: async (host, file, scratch) => {
      await Deno.mkdir(scratch.at("docker"));
      await Deno.symlink(file, scratch.at("docker", "config.json"));
      return await crane(["ls", `${host}/demo/gadget`, "--insecure"], {
        env: { HOME: scratch.path, DOCKER_CONFIG: scratch.at("docker") },
      });
    },
  },
  skopeo: {
    logIn: (host, scratch) =>
      skopeo(
        [
          "login",
          host,
          "--tls-verify=false",
          "-u",
          username,
          "--password-stdin",
          "--authfile",
          scratch.at("skopeo.json"),
        ],
        { stdin: password, env: { HOME: scratch.path } },
      ),
    file: (scratch) => scratch.at("skopeo.json"),
    listTags: (host, file, scratch) =>
      skopeo(["list-tags", `docker://${host}/demo/gadget`, "--tls-verify=false", "--authfile", file], {
        env: { HOME: scratch.path },
      }),
  },
};

async function startWithGadget(): Promise<Registry> {
  const registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
  await pushImage(registry, "demo/gadget", "latest", makeGadget(), basic());
  return registry;
}

for (const name of ["oras", "crane", "skopeo"] as const) {
  const client = CLIENTS[name];

  peerTest(["registry", name], `satchel pulls with the login of ${name}, and can take it back`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await startWithGadget();
    const { host } = registry;
    await client.logIn(host, scratch);
    const named = ["--authfile", client.file(scratch)];
    assert.equal(await satchelSucceeds(["login", host, "--get-login", ...named]), `${username}\n`);
    const store = scratch.at("store");
    await satchelSucceeds(["image", "pull", `${host}/demo/gadget`, ...named, "--insecure-registries", host], { store });
    assert.match(await satchelSucceeds(["image", "list", "-o", "json"], { store }), /demo\/gadget/);
    await satchelSucceeds(["logout", host, ...named]);
    await assert.rejects(client.listTags(host, client.file(scratch), scratch));
  });

  peerTest(["registry", name], `${name} works with the login of satchel, also in a file of its own`, async () => {
    await using scratch = await scratchFolder();
    await using registry = await startWithGadget();
    const { host } = registry;
    // What it has written itself is what satchel then writes into.
    await client.logIn(host, scratch);
    const file = client.file(scratch);
    await satchelSucceeds(["logout", host, "--authfile", file]);
    const outcome = await satchel(
      ["login", host, "--authfile", file, "-u", username, "--password-stdin", "--plain-http"],
      { stdin: password },
    );
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.match(await client.listTags(host, file, scratch), /latest/);
  });
}
