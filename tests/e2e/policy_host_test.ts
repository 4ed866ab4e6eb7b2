import assert from "node:assert/strict";
import { binary, capabilityTest, describe, type Outcome, run, satchelEnvironment } from "../harness/mod.ts";
import { type Policed, startPoliced } from "./policed.ts";
import { writeFile } from "./plugin_files.ts";

/** Runs the binary with an `/etc` that has the host's configuration and little else, in a mount namespace of its own. */
async function onHost({ scratch }: Policed, args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  const mounted = ["-m", "sh", "-c", 'mount --bind "$0" /etc && exec "$@"', scratch.at("etc"), await binary(), ...args];
  return await run("unshare", mounted, { env: { ...satchelEnvironment(scratch.at("store"), scratch.path), ...env } });
}

/** Writes the host's configuration; paths in it are as the program sees them. */
async function configureHost({ scratch, signer }: Policed, text: string): Promise<void> {
  await Deno.mkdir(scratch.at("etc/satchel/plugins"), { recursive: true, mode: 0o755 });
  await Deno.copyFile("/etc/passwd", scratch.at("etc/passwd"));
  await Deno.copyFile("/etc/group", scratch.at("etc/group"));
  await writeFile(scratch.at("etc/satchel/team.pub"), signer.publicKey);
  await writeFile(scratch.at("etc/satchel/config.yaml"), text);
}

capabilityTest("mount", "what the host's file demands is taken back by no user's file, flag or variable", async () => {
  await using policed = await startPoliced();
  const { scratch, registry: { host } } = policed;
  await policed.push("team/app:v1");
  const good = await policed.push("team/app:v2", policed.signer);
  await configureHost(policed, `verify: [{images: ${host}/team/*, keys: [team.pub]}]\nallowed: [${host}/team/*]\n`);
  await Deno.mkdir(scratch.at(".config/satchel"), { recursive: true, mode: 0o755 });
  const loose = `verify: [{images: "${host}/team/app:v1", required: false}]\nallowed: ["*"]\n`;
  await writeFile(scratch.at(".config/satchel/config.yaml"), loose);
  const other = await policed.configure(loose, "other.yaml");
  const pull = (name: string, ...flags: string[]) => ["image", "pull", name, "--insecure-registries", host, ...flags];
  const unsigned = pull(`${host}/team/app:v1`);
  for (
    const [args, env] of [
      [unsigned, {}],
      [[...unsigned, "--verify=false"], {}],
      [[...unsigned, "--config", other], {}],
      [unsigned, { SATCHEL_CONFIG: other }],
      [unsigned, { XDG_CONFIG_HOME: "/nowhere", HOME: "/nowhere" }],
      [[...unsigned, "--no-plugins", "--store", scratch.at("elsewhere")], {}],
      [pull(`${host}/other/app:v1`, "--allowed-gadgets", "*"), {}],
    ] as const
  ) {
    if (args.includes(`${host}/other/app:v1`)) await policed.push("other/app:v1", policed.signer);
    const outcome = await onHost(policed, [...args], env);
    assert.equal(outcome.code, 5, `${args.join(" ")}: ${describe(outcome)}`);
    assert.match(outcome.stderr, /\/etc\/satchel\/config\.yaml:\d/);
  }
  const outcome = await onHost(policed, pull(`${host}/team/app:v2`));
  assert.equal(outcome.code, 0, describe(outcome));
  assert.equal((await policed.names())["team/app:v2"], good.root.digest);
});

capabilityTest("mount", "a rule of the host's file believes no plugin that a user names", async () => {
  await using policed = await startPoliced();
  const { scratch, registry: { host } } = policed;
  await policed.push("team/app:v1");
  await configureHost(policed, `verify: [{images: "*", plugins: [yes]}]\n`);
  const text =
    `export default { contract: 1, name: "yes", verify: () => ({ verdict: "verified", reason: "so", evidence: [] }) };\n`;
  const plugin = await writeFile(scratch.at("yes.js"), text);
  const args = ["image", "pull", `${host}/team/app:v1`, "--insecure-registries", host];
  for (const env of [{ SATCHEL_PLUGINS: "" }, { SATCHEL_PLUGINS: plugin }]) {
    const outcome = await onHost(policed, [...args, "--plugin", plugin], env);
    assert.equal(outcome.code, 5, describe(outcome));
  }
  await writeFile(scratch.at("etc/satchel/plugins/yes.js"), text);
  const outcome = await onHost(policed, args);
  assert.equal(outcome.code, 0, describe(outcome));
  assert.match(outcome.stderr, /Verified \S+: so \(yes\)/);
});
