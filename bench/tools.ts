/** The programs that are compared, and how each is asked to do the same thing. @module */
import { findProgram } from "../tests/harness/mod.ts";
import { exists } from "./measure.ts";

/** An image in a registry. */
export interface Remote {
  /** `127.0.0.1:<port>` */
  host: string;
  repository: string;
  tag: string;
}

/** How a program is called for each kind of work: its arguments. What it cannot do is left out. */
interface Recipe {
  name: string;
  /** Where it is; default: on PATH, or among the pinned peers of the tests. */
  path?: string;
  /** Starts and says its version. */
  start: string[];
  /** Pulls an image, with all its platforms, into an OCI layout in `folder`. */
  pull?(image: Remote, folder: string): string[];
  /** Pushes what the OCI layout in `folder` has under {@link Recipe.localName}. */
  push?(image: Remote, folder: string): string[];
  /** Lists the names in the OCI layout in `folder`. */
  list?(folder: string): string[];
  /** Writes the image of the OCI layout in `folder` into a tar with a layout. */
  export?(image: Remote, folder: string, file: string): string[];
  /** Stands around the program, by `sh`, if it takes more than the program to export: `$0` is the program. */
  exportScript?: string;
  /** Writes all images of the OCI layout in `folder` into one tar; they are named by their full names. */
  exportAll?(names: readonly string[], folder: string, file: string): string[];
  /** Takes all images of a tar into an OCI layout in `folder`. */
  import?(image: Remote, file: string, folder: string): string[];
  /** Builds a gadget from its sources, by programs of this host, into an OCI layout in `folder`. */
  build?(source: string, folder: string): string[];
  /** The name that an image has in a layout. */
  localName(image: Remote): string;
  /** Puts something in front of a command line that works on `folder`. */
  wrap?(words: string[], folder: string): string[];
}

/** A program that is installed. */
export interface Tool extends Recipe {
  path: string;
  version: string;
}

const full = ({ host, repository, tag }: Remote) => `${host}/${repository}:${tag}`;
const tagOnly = ({ tag }: Remote) => tag;

/**
 * ig has no option for its store: it runs with `folder` in the place of root's, below a `/var/lib` that no other process
 * sees.
 */
function withIgStore(words: string[], folder: string): string[] {
  const store = "/var/lib/ig/oci-store";
  const mounts = `mount -t tmpfs tmpfs /var/lib && mkdir -p ${store} && mount --bind "$0" ${store}`;
  const script = `mkdir -p "$0" && ${mounts} && exec "$@"`;
  return ["unshare", "--mount", "sh", "-c", script, folder, ...words];
}

const RECIPES: readonly Recipe[] = [
  {
    name: "satchel",
    path: new URL("../dist/satchel", import.meta.url).pathname,
    start: ["version"],
    pull: (image, folder) => ["image", "pull", "--store", folder, "--insecure-registries", image.host, full(image)],
    push: (image, folder) => ["image", "push", "--store", folder, "--insecure-registries", image.host, full(image)],
    list: (folder) => ["image", "list", "--store", folder],
    export: (image, folder, file) => ["image", "export", "--store", folder, full(image), file],
    exportAll: (_, folder, file) => ["image", "export", "--store", folder, "--all", file],
    import: (_, file, folder) => ["image", "import", "--store", folder, file],
    build: (source, folder) => ["image", "build", "--local", "--store", folder, "-t", "bench", source],
    localName: full,
  },
  {
    name: "oras",
    start: ["version"],
    pull: (image, folder) => ["cp", "--from-plain-http", full(image), "--to-oci-layout", `${folder}:${image.tag}`],
    push: (image, folder) => ["cp", "--from-oci-layout", `${folder}:${image.tag}`, "--to-plain-http", full(image)],
    list: (folder) => ["repo", "tags", "--oci-layout", folder],
    // It writes folders alone.
    exportScript: '"$0" cp --from-oci-layout "$1:$2" --to-oci-layout "$3.d:$2" && tar -cf "$3" -C "$3.d" .',
    export: ({ tag }, folder, file) => [folder, tag, file],
    import: (
      { tag },
      file,
      folder,
    ) => ["cp", "--from-oci-layout", `${file}:${tag}`, "--to-oci-layout", `${folder}:${tag}`],
    localName: tagOnly,
  },
  {
    name: "crane",
    start: ["version"],
    pull: (image, folder) => ["pull", "--insecure", "--format=oci", full(image), folder],
    push: (image, folder) => ["push", "--insecure", folder, full(image)],
    localName: tagOnly,
  },
  {
    name: "regctl",
    start: ["version"],
    pull: (image, folder) => ["image", "copy", ...regctlHost(image), full(image), `ocidir://${folder}:${image.tag}`],
    push: (image, folder) => ["image", "copy", ...regctlHost(image), `ocidir://${folder}:${image.tag}`, full(image)],
    list: (folder) => ["tag", "ls", `ocidir://${folder}`],
    localName: tagOnly,
  },
  {
    name: "skopeo",
    start: ["--version"],
    pull: (image, folder) => [
      ...["--insecure-policy", "copy", "--all", "--src-tls-verify=false"],
      ...[`docker://${full(image)}`, `oci:${folder}:${image.tag}`],
    ],
    push: (image, folder) => [
      ...["--insecure-policy", "copy", "--all", "--dest-tls-verify=false"],
      ...[`oci:${folder}:${image.tag}`, `docker://${full(image)}`],
    ],
    export: ({ tag }, folder, file) => [
      ...["--insecure-policy", "copy", "--all", `oci:${folder}:${tag}`, `oci-archive:${file}:${tag}`],
    ],
    import: ({ tag }, file, folder) => [
      ...["--insecure-policy", "copy", "--all", `oci-archive:${file}:${tag}`, `oci:${folder}:${tag}`],
    ],
    localName: tagOnly,
  },
  {
    name: "ig",
    start: ["version"],
    pull: (image) => ["image", "pull", "--insecure-registries", image.host, full(image)],
    push: (image) => ["image", "push", "--insecure-registries", image.host, full(image)],
    list: () => ["image", "list"],
    export: (image, _, file) => ["image", "export", full(image), file],
    exportAll: (names, _, file) => ["image", "export", ...names, file],
    import: (_, file) => ["image", "import", file],
    build: (source) => ["image", "build", "--local", "-t", "bench", source],
    localName: full,
    wrap: withIgStore,
  },
];

/** The names of all programs that are known. */
export const TOOL_NAMES: readonly string[] = RECIPES.map(({ name }) => name);

function regctlHost({ host }: Remote): string[] {
  return ["--host", `reg=${host},tls=disabled`];
}

/** The wanted tools that are installed. ig needs root, since its store cannot be put elsewhere. */
export async function installedTools(wanted: readonly string[]): Promise<Tool[]> {
  const tools: Tool[] = [];
  for (const recipe of RECIPES) {
    if (!wanted.includes(recipe.name) || (recipe.wrap && Deno.uid() !== 0)) continue;
    const path = recipe.path === undefined ? findProgram(recipe.name) : [recipe.path].find(exists);
    if (path !== undefined) tools.push({ ...recipe, path, version: await versionOf(path, recipe.start) });
  }
  return tools;
}

/** The whole command line of `args`, which work on the layout in `folder`. */
export function commandLine(tool: Tool, args: string[], folder: string): string[] {
  const words = [tool.path, ...args];
  return tool.wrap ? tool.wrap(words, folder) : words;
}

/** The whole command line of an export from the layout in `folder`; `undefined` if the tool has none. */
export function archiveLine(tool: Tool, folder: string, args: string[] | undefined): string[] | undefined {
  if (!args || !tool.exportScript) return args && commandLine(tool, args, folder);
  return ["sh", "-c", tool.exportScript, tool.path, ...args];
}

async function versionOf(program: string, args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(program, { args, stdin: "null" }).output();
  return /\d+\.\d+\.\d+[^\s,]*/.exec(new TextDecoder().decode(stdout))?.[0] ?? "unknown";
}
