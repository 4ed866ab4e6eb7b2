import { strict as assert } from "node:assert";
import {
  assertHolds,
  capabilityTest,
  type Certificates,
  type Image,
  makeCertificates,
  makeGadget,
  peerTest,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  type Served,
  skopeo,
  startContainerd,
  startServe,
  writeHosts,
} from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";

// Engines that ask a served store instead of ghcr.io, by the configuration in docs/serve.md as it stands there.

const GUIDE = new URL("../../docs/serve.md", import.meta.url);
/** The server of the guide. */
const EXAMPLE = "registry.site.example:5000";
const NAME = "ghcr.io/team/gadget";

interface World extends AsyncDisposable {
  scratch: Scratch;
  served: Served;
  gadget: Image;
  /** The example in this language that follows the line in the guide, for this server. */
  example(language: string, after: RegExp): Promise<string>;
  /** With which clients written in Go, and satchel, trust the server. */
  env: { SSL_CERT_FILE: string };
}

async function startWorld(flags: readonly string[] = []): Promise<World> {
  const scratch = await scratchFolder();
  const certificates: Certificates = await makeCertificates();
  const store = scratch.at("store");
  const gadget = makeGadget();
  await writeStore(store, [{ image: gadget, name: `${NAME}:v1` }]);
  const tls = ["--tls-cert", certificates.certificate, "--tls-key", certificates.key];
  const served = await startServe({ store, flags: [...tls, ...flags] });
  return {
    scratch,
    served,
    gadget,
    env: { SSL_CERT_FILE: certificates.authority },
    example: async (language, after) => {
      const guide = await Deno.readTextFile(GUIDE);
      const rest = guide.slice(after.exec(guide)?.index ?? guide.length);
      const [, text] = new RegExp("```" + language + "\n(.*?)```", "s").exec(rest) ?? [];
      assert.ok(text?.includes(EXAMPLE), `docs/serve.md has no ${language} behind ${after}`);
      return text.replaceAll(EXAMPLE, served.host);
    },
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await certificates[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** The requests of a log that were answered well, `GET /v2/...`. */
function answered({ process }: Served): string[] {
  return process.lines.flatMap((line) => /"([A-Z]+ \S+)" 20[06] /.exec(line)?.[1] ?? []);
}

peerTest("openssl", "satchel pulls an image of ghcr.io from the mirror of the guide", async () => {
  await using world = await startWorld();
  const { scratch, gadget, served } = world;
  const config = scratch.at("config.yaml");
  await Deno.writeTextFile(config, await world.example("yaml", /^satchel, /m));
  const options = { store: scratch.at("copy"), env: { SATCHEL_CONFIG: config, ...world.env } };
  await satchelSucceeds(["image", "pull", `${NAME}:v1`], options);
  const [image] = JSON.parse(await satchelSucceeds(["image", "list", "--no-trunc", "-o", "json"], options));
  assert.deepEqual([image.Repository, image.Digest], [NAME, gadget.root.digest]);
  assert.ok(answered(served).some((request) => request.endsWith("?ns=ghcr.io")));
});

capabilityTest(
  ["root", "containerd", "ctr", "openssl"],
  "containerd pulls an image of ghcr.io from the host of the guide, and says by ns whose it is",
  async () => {
    await using world = await startWorld();
    const { scratch, gadget, served } = world;
    await writeHosts(scratch.at("certs.d"), "ghcr.io", await world.example("toml", /^containerd, /m));
    await using containerd = await startContainerd();
    await containerd.fetch(`${NAME}:v1`, scratch.at("certs.d"), world.env);
    for (const { digest } of [...gadget.manifests, ...gadget.blobs]) {
      assert.ok(await containerd.holds(digest), digest);
      assert.ok(
        answered(served).some((request) => request.includes(digest) && request.endsWith("?ns=ghcr.io")),
        `${digest} was asked for elsewhere`,
      );
    }
  },
);

peerTest(["skopeo", "openssl"], "Podman's library pulls an image of ghcr.io from the mirror of the guide", async () => {
  for (const flags of [[], ["--mirror-of", "ghcr.io"]]) {
    await using world = await startWorld(flags);
    const { scratch, gadget, served } = world;
    const guide = await world.example("toml", /registries\.conf\.d/);
    const folder = scratch.at(".config/containers/registries.conf.d");
    await Deno.mkdir(folder, { recursive: true });
    // A server that stands in for ghcr.io needs no path.
    const place = flags.length > 0 ? guide.replace(`${served.host}/ghcr.io`, served.host) : guide;
    await Deno.writeTextFile(`${folder}/site.conf`, place);
    const copy = scratch.at("copy");
    await skopeo(["copy", "--all", `docker://${NAME}:v1`, `dir:${copy}`], {
      env: { HOME: scratch.path, ...world.env },
    });
    for (const { digest, bytes } of gadget.blobs) {
      assert.deepEqual(await Deno.readFile(`${copy}/${digest.slice("sha256:".length)}`), bytes);
    }
    const prefix = flags.length > 0 ? "/v2/team/gadget/" : "/v2/ghcr.io/team/gadget/";
    assert.ok(answered(served).some((request) => request.startsWith(`GET ${prefix}manifests/v1`)));
  }
});

Deno.test("what Docker's engine asks a mirror of Docker Hub for is there with --mirror-of docker.io", async () => {
  await using scratch = await scratchFolder();
  const [official, other] = [makeGadget(), makeGadget()];
  const store = scratch.at("store");
  await writeStore(store, [
    { image: official, name: "docker.io/library/gadget:latest" },
    { image: other, name: "docker.io/team/gadget:latest" },
  ]);
  await using served = await startServe({ store, flags: ["--mirror-of", "docker.io"] });
  // It sends no `ns`, and writes the name of an official image in full.
  await assertHolds(served, "library/gadget", "latest", official);
  await assertHolds(served, "team/gadget", "latest", other);
});
