import { makeGadget, pushImage, type Registry, type Scratch } from "../harness/mod.ts";

/** Writes a file that nobody else may write to, whatever the umask of the test is. */
export async function writeFile(path: string, text: string, mode = 0o644): Promise<string> {
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, mode);
  return path;
}

/**
 * Writes a module plugin.
 *
 * @param members what it has beside contract and name, as source text
 */
export function writeModule(scratch: Scratch, name: string, members: string): Promise<string> {
  return writeFile(scratch.at(`${name}.js`), `export default { contract: 1, name: "${name}", ${members} };\n`);
}

/** Writes an executable plugin whose `beforePull` is a shell script. */
export function writeExecutable(scratch: Scratch, name: string, beforePull: string): Promise<string> {
  const manifest = JSON.stringify({ contract: 1, name, hooks: ["beforePull"] });
  const text = `#!/bin/sh
case "$1" in
--satchel-manifest) echo '${manifest}' ;;
--satchel-hook)
${beforePull}
;;
esac
`;
  return writeFile(scratch.at(`satchel-${name}`), text, 0o755);
}

/**
 * Writes a configuration file that names one plugin with its settings; returns the folder that is `HOME`.
 *
 * @param timeout how long a hook may take: `1s`
 */
export async function configure(scratch: Scratch, path: string, settings: unknown, timeout = "30s"): Promise<string> {
  await Deno.mkdir(scratch.at(".config/satchel"), { recursive: true, mode: 0o755 });
  await writeFile(
    scratch.at(".config/satchel/config.yaml"),
    JSON.stringify({ plugins: [{ path, settings, timeout }] }),
  );
  return scratch.path;
}

/** Puts an image into a registry; returns its name, its digest and the flags to reach it with. */
export async function published(registry: Registry, repository = "team/app") {
  const image = makeGadget();
  await pushImage(registry, repository, "v1", image);
  return {
    name: `${registry.host}/${repository}:v1`,
    digest: image.root.digest,
    flags: ["--insecure-registries", registry.host],
  };
}
