/**
 * Shows what satchel does: builds it, starts a real registry on this machine, and carries a small gadget with its
 * signature from one host's store through the registry to another's. Each command is printed before it runs. Nothing
 * of it is left but the binary.
 *
 *     deno task demo
 *
 * @module
 */
import { attachmentTag, makeCosignSignature, makeGadget, pushImage } from "../tests/harness/gadget.ts";
import { BINARY, ROOT } from "../tests/harness/paths.ts";
import { startDistribution } from "../tests/harness/registry.ts";
import { scratchFolder } from "../tests/harness/scratch.ts";
import { findRegistry, NO_REGISTRY } from "./demo/find_registry.ts";

const build = new Deno.Command(Deno.execPath(), { args: ["task", "--quiet", "build"], cwd: ROOT, stdout: "inherit" });
if (!(await build.output()).success) Deno.exit(1);

Deno.exit(await demonstrate());

async function demonstrate(): Promise<number> {
  await using scratch = await scratchFolder();
  const program = await findRegistry(scratch.path);
  if (program === undefined) {
    console.error(NO_REGISTRY);
    return 1;
  }
  await using registry = await startDistribution(program);
  const gadget = makeGadget({ seed: "trace_open", created: new Date(Date.now() - 30 * 60_000).toISOString() });
  await pushImage(registry, "demo/trace_open", "v1", gadget);
  const signature = makeCosignSignature(gadget.root);
  await pushImage(registry, "demo/trace_open", attachmentTag(gadget.root.digest, ".sig"), signature);
  say(`A registry (${program}) runs at ${registry.host}. It has a gadget, demo/trace_open:v1, and its signature.`);

  const environment: Record<string, string> = { HOME: scratch.path };
  const set = (name: string, value: string) => {
    environment[name] = value;
    console.log(`$ export ${name}=${value}`);
  };
  const satchel = async (...args: string[]) => {
    console.log(`$ satchel ${args.join(" ")}`);
    const { PATH = "/usr/bin:/bin", TERM = "dumb" } = Deno.env.toObject();
    const { code } = await new Deno.Command(BINARY, {
      args,
      clearEnv: true,
      env: { PATH, TERM, ...environment },
      stdout: "inherit",
      stderr: "inherit",
    }).output();
    if (code !== 0) throw new Error(`satchel ${args.join(" ")} ended with status ${code}`);
  };
  const [original, copy] = [`${registry.host}/demo/trace_open:v1`, `${registry.host}/team/trace_open:v2`];

  await satchel("version");

  say("A host's operator pulls it. The registry speaks plain HTTP, so it has to be named.");
  set("SATCHEL_INSECURE_REGISTRIES", registry.host);
  set("SATCHEL_STORE", scratch.at("this-host"));
  await satchel("image", "pull", original);
  await satchel("image", "list");

  say("The signature came along; it is shown when asked for.");
  await satchel("image", "list", "--all");

  say("Another name, and to the registry under that name. What the registry has already is not sent again.");
  await satchel("image", "tag", original, copy);
  await satchel("image", "push", copy);

  say("Another host, with a store of its own, pulls what was pushed. Every byte is checked against its digest.");
  set("SATCHEL_STORE", scratch.at("another-host"));
  await satchel("image", "pull", copy);
  await satchel("image", "list", "--no-trunc");
  await satchel("store", "check");

  say("Removed with all that belongs to it.");
  await satchel("image", "remove", copy);
  await satchel("image", "list", "--all");

  say("That was it. The registry and the two stores are gone again; the binary is dist/satchel.");
  return 0;
}

function say(text: string): void {
  console.log(`\n# ${text}`);
}
