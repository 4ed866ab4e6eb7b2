import assert from "node:assert/strict";
import {
  attachmentTag,
  cosignWithKeys,
  describe,
  makeGadget,
  peerTest,
  pushImage,
  SIGNATURE_FORMATS,
  startRegistry,
  startServedRegistry,
} from "../harness/mod.ts";
import { give, startHostileRegistry } from "./hostile_registry.ts";
import { makeSigner, startPoliced } from "./policed.ts";
import { writeFile } from "./plugin_files.ts";

Deno.test("a signed image comes in, and it is said by whose signature", async () => {
  await using policed = await startPoliced();
  const image = await policed.push("team/app:v1", policed.signer);
  const outcome = await policed.pull("team/app:v1");
  assert.equal(outcome.code, 0, describe(outcome));
  assert.match(outcome.stderr, /^Verified \S+\/team\/app:v1: signed by the key [0-9a-f]{16} \(cosign\)$/m);
  assert.deepEqual(await policed.names(), { "team/app:v1": image.root.digest });
  const byDigest = await policed.pull(`team/app@${image.root.digest}`);
  assert.equal(byDigest.code, 0, describe(byDigest));
});

Deno.test("an image without a signature, or by another key, gets no name", async () => {
  await using policed = await startPoliced();
  await policed.push("team/unsigned:v1");
  const unsigned = await policed.pull("team/unsigned:v1");
  assert.equal(unsigned.code, 5, describe(unsigned));
  assert.match(unsigned.stderr, /team\/unsigned:v1 is not verified: it has no signature/);
  assert.match(unsigned.stderr, /Hint: The rule for \S+\/team\/\* at \S+policy\.yaml:2 wants a good signature\.\n/);
  await policed.push("team/other:v1", makeSigner());
  const other = await policed.pull("team/other:v1");
  assert.equal(other.code, 5, describe(other));
  assert.match(other.stderr, /none of its signatures is good\n {2}cosign tag sha256:[0-9a-f]{64}: not signed by any/);
  await policed.configure(`verify: [{images: "*", keys: ["builtin:inspektor-gadget"]}]\n`);
  assert.match((await policed.pull("team/other:v1")).stderr, /not signed by any of the public keys/);
  assert.deepEqual(await policed.names(), {});
});

Deno.test("a name that had a good image keeps it when another one is refused", async () => {
  await using policed = await startPoliced();
  const good = await policed.push("team/app:v1", policed.signer);
  assert.equal((await policed.pull("team/app:v1")).code, 0);
  await policed.push("team/app:v1");
  assert.equal((await policed.pull("team/app:v1")).code, 5);
  assert.deepEqual(await policed.names(), { "team/app:v1": good.root.digest });
});

Deno.test("a signature of another image under this one's tag is none", async () => {
  await using policed = await startPoliced();
  const other = await policed.push("team/app:v1", policed.signer);
  const image = await policed.push("team/app:v2");
  const tag = attachmentTag(image.root.digest, ".sig");
  await pushImage(policed.registry, "team/app", tag, policed.signer.sign(other.root));
  const outcome = await policed.pull("team/app:v2");
  assert.equal(outcome.code, 5, describe(outcome));
  assert.deepEqual(await policed.names(), {});
});

Deno.test("what no rule means comes in as ever, and nothing is said", async () => {
  await using policed = await startPoliced();
  await policed.push("other/app:v1");
  const outcome = await policed.pull("other/app:v1");
  assert.equal(outcome.code, 0, describe(outcome));
  assert.doesNotMatch(outcome.stderr, /erified/);
});

Deno.test("a tag that moves during a pull brings in what was checked and nothing else", async () => {
  await using policed = await startPoliced();
  const [good, evil] = [makeGadget(), makeGadget()];
  const signature = policed.signer.sign(good.root);
  const known = [good, evil, signature].flatMap(({ manifests, blobs }) => [...manifests, ...blobs]);
  let asked = 0;
  await using registry = await startHostileRegistry(evil, (_, response, { pathname }) => {
    const name = pathname.split("/").at(-1)!;
    const found = known.find(({ digest }) => digest === name);
    if (found) give(response, found);
    else if (name === "v1") give(response, asked++ === 0 ? good.root : evil.root);
    else if (name === attachmentTag(good.root.digest, ".sig")) give(response, signature.root);
    else response.writeHead(404).end();
  });
  await policed.configure(`verify:\n  - images: "*"\n    keys: [team.pub]\n`);
  const name = `${registry.host}/team/app:v1`;
  const pull = () => policed.run("image", "pull", name, "--insecure-registries", registry.host);
  const outcome = await pull();
  assert.equal(outcome.code, 0, describe(outcome));
  assert.equal(asked, 1);
  assert.deepEqual(await policed.names(), { [name]: good.root.digest });
  const second = await pull();
  assert.equal(second.code, 5, describe(second));
  assert.deepEqual(await policed.names(), { [name]: good.root.digest });
});

Deno.test("--verify=false counts for rules that are overridable alone", async () => {
  await using policed = await startPoliced();
  await policed.push("team/app:v1");
  const strict = await policed.pull("team/app:v1", "--verify=false");
  assert.equal(strict.code, 5, describe(strict));
  assert.match(
    strict.stderr,
    /Warning: --verify=false does not count for \S+team\/app:v1: the rule at \S+:2 is not overridable/,
  );
  await policed.configure(`verify:\n  - {images: "*", keys: [team.pub], overridable: true}\n`);
  const refused = await policed.pull("team/app:v1");
  assert.equal(refused.code, 5, describe(refused));
  assert.match(refused.stderr, /--verify=false does without/);
  const overridden = await policed.pull("team/app:v1", "--verify=false");
  assert.equal(overridden.code, 0, describe(overridden));
  assert.match(overridden.stderr, /Warning: \S+team\/app:v1 is not verified, by --verify=false/);
});

Deno.test("--referrers=false leaves signatures behind, and they are judged all the same", async () => {
  await using policed = await startPoliced();
  await policed.push("team/app:v1", policed.signer);
  await policed.push("team/unsigned:v1");
  const outcome = await policed.pull("team/app:v1", "--referrers=false");
  assert.equal(outcome.code, 0, describe(outcome));
  assert.match(outcome.stderr, /^Verified/m);
  assert.equal((await policed.pull("team/unsigned:v1", "--referrers=false")).code, 5);
  const listed = await policed.run("image", "list", "--all", "-o", "json");
  assert.doesNotMatch(listed.stdout, /\.sig/);
});

Deno.test("no file takes back what another one demands, and --verify=false needs all of them to agree", async () => {
  await using policed = await startPoliced();
  const { scratch, registry: { host } } = policed;
  await policed.push("team/app:v1");
  await Deno.mkdir(scratch.at(".config/satchel"), { recursive: true, mode: 0o755 });
  const user = (text: string) => writeFile(scratch.at(".config/satchel/config.yaml"), text);
  await user(`verify:\n  - images: ${host}/team/app:v1\n    required: false\nallowed: ["*"]\n`);
  assert.equal((await policed.pull("team/app:v1")).code, 5);
  await user(`verify:\n  - images: "*"\n    keys: [../../team.pub]\n    overridable: true\n`);
  assert.equal((await policed.pull("team/app:v1", "--verify=false")).code, 5);
  await policed.configure(`verify:\n  - {images: "*", required: false}\n`);
  assert.equal((await policed.pull("team/app:v1")).code, 5);
  await policed.configure(`verify:\n  - {images: "*", required: false}\nallowed: [${host}/other/*]\n`);
  const denied = await policed.pull("team/app:v1", "--verify=false");
  assert.equal(denied.code, 5, describe(denied));
  assert.match(denied.stderr, /team\/app:v1 may not come in: it is none of those that \S+policy\.yaml:3 allows/);
});

for (
  const [what, spoil, reason] of [
    ["missing", (path: string) => Deno.remove(path), /team\.pub does not exist/],
    ["a folder", async (path: string) => (await Deno.remove(path), await Deno.mkdir(path)), /is not a regular file/],
    ["writable by others", (path: string) => Deno.chmod(path, 0o666), /can be written to by everybody.*who is trusted/],
    ["no key", (path: string) => writeFile(path, "secret\n"), /has something else than public keys in PEM/],
  ] as const
) {
  Deno.test(`a key file that is ${what} lets nothing in`, async () => {
    await using policed = await startPoliced();
    await policed.push("team/app:v1", policed.signer);
    await spoil(policed.scratch.at("team.pub"));
    const outcome = await policed.pull("team/app:v1");
    assert.equal(outcome.code, 5, describe(outcome));
    assert.match(outcome.stderr, /the rule at \S+policy\.yaml:2 cannot be applied: /);
    assert.match(outcome.stderr, reason);
    assert.doesNotMatch(outcome.stderr, /secret/);
    assert.deepEqual(await policed.names(), {});
  });
}

Deno.test("a configuration file that cannot be read lets nothing in", async () => {
  await using policed = await startPoliced();
  await policed.push("team/app:v1", policed.signer);
  await policed.configure("verify: [");
  assert.equal((await policed.pull("team/app:v1")).code, 2);
  await Deno.remove(policed.scratch.at("policy.yaml"));
  assert.equal((await policed.pull("team/app:v1")).code, 2);
  await policed.configure("");
  assert.deepEqual(await policed.names(), {});
});

Deno.test("where a rule wants the name that was signed to be this one, a signature by another name is not enough", async () => {
  await using policed = await startPoliced();
  const { registry, signer } = policed;
  const image = await policed.push("team/app:v1", signer);
  await pushImage(registry, "team/copy", "v1", image);
  const tag = attachmentTag(image.root.digest, ".sig");
  await pushImage(registry, "team/copy", tag, signer.sign(image.root, `${registry.host}/team/app`));
  assert.equal((await policed.pull("team/copy:v1")).code, 0);
  await policed.configure(`verify:\n  - {images: "*", keys: [team.pub], checkName: true}\n`);
  assert.equal((await policed.pull("team/app:v1")).code, 0);
  assert.equal((await policed.pull("team/copy:v1")).code, 5);
});

Deno.test("names that may come in are compared as places: no case and no port gets round them", async () => {
  await using policed = await startPoliced();
  const port = policed.registry.host.split(":")[1];
  await policed.push("team/app:v1");
  const pull = (name: string) => policed.run("image", "pull", name, "--insecure-registries", "localhost,127.0.0.1");
  await policed.configure(`verify:\n  - images: localhost:${port}/team/*\n    keys: [team.pub]\n`);
  for (const name of [`LOCALHOST:${port}/team/app:v1`, `Localhost:0${port}/team/app:v1`]) {
    const outcome = await pull(name);
    assert.equal(outcome.code, 5, describe(outcome));
  }
  await policed.configure(`allowed: [localhost:${port}/team/*]\n`);
  assert.equal((await pull(`LOCALHOST:${port}/team/app:v1`)).code, 0);
  assert.equal((await pull(`127.0.0.1:${port}/team/app:v1`)).code, 5);
});

Deno.test("an allowed tag does not let in another digest beside it, and an allowed digest lets in any tag of its own", async () => {
  await using policed = await startPoliced();
  const { host } = policed.registry;
  const [image, other] = [await policed.push("app/a:v1"), await policed.push("app/a:v2")];
  await policed.configure(`allowed: ["${host}/app/a:v1"]\n`);
  assert.equal((await policed.pull("app/a:v1")).code, 0);
  assert.equal((await policed.pull(`app/a:v1@${other.root.digest}`)).code, 5);
  assert.equal((await policed.pull("app/a:v10")).code, 3);
  await policed.configure(`allowed: ["${host}/app/a@${image.root.digest}"]\n`);
  assert.equal((await policed.pull("app/a:v1")).code, 0);
  const denied = await policed.pull("app/a:v2");
  assert.equal(denied.code, 5, describe(denied));
});

Deno.test("what may not come in is asked for no more than its name", async () => {
  await using policed = await startPoliced();
  await policed.push("app/a:v1");
  const before = policed.registry.requests().length;
  const outcome = await policed.pull("app/a:v1", "--allowed-gadgets", "trace_*,ghcr.io/team/*");
  assert.equal(outcome.code, 5, describe(outcome));
  assert.match(outcome.stderr, /none of those that --allowed-gadgets allows/);
  const asked = policed.registry.requests().slice(before);
  assert.deepEqual(asked.filter((line) => !/^(GET|HEAD) \/v2\/(app\/a\/manifests\/v1)? /.test(line)), []);
  for (const nothing of ["", " ", ","]) {
    const empty = await policed.pull("app/a:v1", "--allowed-gadgets", nothing);
    assert.equal(empty.code, 2, describe(empty));
    assert.match(empty.stderr, /--allowed-gadgets names nothing/);
  }
  const mistake = await policed.pull("app/a:v1", "--allowed-gadgets", "ghcr.io/team*");
  assert.equal(mistake.code, 2, describe(mistake));
  assert.match(mistake.stderr, /--allowed-gadgets: .*write ghcr\.io\/team\/\*/);
});

Deno.test("the word of a plugin counts only where a rule names it", async () => {
  await using policed = await startPoliced();
  await policed.push("team/app:v1");
  const plugin = await writeFile(
    policed.scratch.at("yes.js"),
    `export default { contract: 1, name: "yes", verify: () => ({ verdict: "verified", reason: "why not", evidence: [] }) };\n`,
  );
  assert.equal((await policed.pull("team/app:v1", "--plugin", plugin)).code, 5);
  await policed.configure(`verify:\n  - {images: "*", plugins: [yes]}\n`);
  const absent = await policed.pull("team/app:v1");
  assert.equal(absent.code, 5, describe(absent));
  assert.match(absent.stderr, /has no signature\n {2}plugin yes: it is not there, or judges no signatures\n/);
  await policed.configure(`verify:\n  - {images: "*", plugins: [no]}\n`);
  assert.equal((await policed.pull("team/app:v1", "--plugin", plugin)).code, 5);
  await policed.configure(`verify:\n  - {images: "*", plugins: [no, yes]}\n`);
  const outcome = await policed.pull("team/app:v1", "--plugin", plugin);
  assert.equal(outcome.code, 0, describe(outcome));
  assert.match(outcome.stderr, /Verified \S+: why not \(yes\)/);
});

const REGISTRIES = {
  "a registry with fallback tags": { peers: ["cosign", "registry"], start: () => startRegistry() },
  "a registry with the referrers API": { peers: ["cosign"], start: startServedRegistry },
} as const;

for (const [what, { peers, start }] of Object.entries(REGISTRIES)) {
  for (const format of SIGNATURE_FORMATS) {
    peerTest(peers, `cosign's signature as a ${format} in ${what} is enough for a rule with its key`, async () => {
      await using policed = await startPoliced(start);
      const { scratch, registry: { host } } = policed;
      const cosign = await cosignWithKeys(scratch);
      const image = await policed.push("team/app:v1");
      await cosign.sign(`${host}/team/app@${image.root.digest}`, format);
      await policed.configure(`verify:\n  - images: ${host}/team/*\n    keys: [cosign/cosign.pub]\n`);
      const outcome = await policed.pull("team/app:v1");
      assert.equal(outcome.code, 0, describe(outcome));
      assert.match(outcome.stderr, /^Verified/m);
      const verified = await policed.run("image", "verify", "--offline", `${host}/team/app:v1`);
      assert.equal(verified.code, 0, describe(verified));
    });
  }
}
