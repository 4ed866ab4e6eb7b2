import assert from "node:assert/strict";
import { binary, run, satchel, scratchFolder } from "../harness/mod.ts";

/** The flags that every command has. */
const EVERYWHERE = `      --concurrency int         How many transfers may run at the same time (default 8)
      --config string           Path of one more configuration file. This overrides the SATCHEL_CONFIG environment variable
      --debug                   Print every request, and the stack trace of an error
      --lock-timeout duration   How long to wait while another process has locked the store, 0 is without end (default 0)
  -q, --quiet                   Print only errors, warnings, lists and what -o asks for
      --store string            Path of the local image store. This overrides the SATCHEL_STORE environment variable
  -v, --verbose                 Print more detailed information
      --version                 Print the version`;

const GLOBAL_FLAGS = `Global Flags:\n${EVERYWHERE}`;

/** What each command prints about itself, to the letter: scripts and people rely on its names. */
const HELP: Record<string, string> = {
  "satchel": `Carry gadget images between registries, hosts and air gaps

Usage:
  satchel [command]

Available Commands:
  completion  Generate the autocompletion script for the specified shell
  help        Help about any command
  image       Manage gadget images
  store       Check and clean the local image store
  version     Show version

Flags:
${withHelp(EVERYWHERE)}

Use "satchel [command] --help" for more information about a command.
`,
  "satchel image": `Manage gadget images

Usage:
  satchel image [command]

Available Commands:
  list        List gadget images on the host
  pull        Pull the specified image from a remote registry
  push        Push the specified image to a remote registry
  remove      Remove local gadget image
  tag         Tag the local SRC_IMAGE image with the DST_IMAGE

Flags:
  -h, --help   help for image

${GLOBAL_FLAGS}

Use "satchel image [command] --help" for more information about a command.
`,
  "satchel image pull": `Pull the specified image from a remote registry

Usage:
  satchel image pull IMAGE [flags]

Flags:
      --authfile string               Path of the authentication file. This overrides the REGISTRY_AUTH_FILE environment variable (default "/var/lib/ig/config.json")
  -h, --help                          help for pull
      --insecure-registries strings   List of registries to access over plain HTTP, as host or host:port
  -o, --output string                 Output mode, possible values are, columns, json, jsonpretty, yaml (default "columns")
      --referrers                     Take along what refers to the image: signatures, attestations, SBOMs (default true)

${GLOBAL_FLAGS}
`,
  "satchel image push": `Push the specified image to a remote registry

Usage:
  satchel image push IMAGE [flags]

Flags:
      --authfile string               Path of the authentication file. This overrides the REGISTRY_AUTH_FILE environment variable (default "/var/lib/ig/config.json")
  -h, --help                          help for push
      --insecure-registries strings   List of registries to access over plain HTTP, as host or host:port
  -o, --output string                 Output mode, possible values are, columns, json, jsonpretty, yaml (default "columns")
      --referrers                     Take along what refers to the image: signatures, attestations, SBOMs (default true)

${GLOBAL_FLAGS}
`,
  "satchel image tag": `Tag the local SRC_IMAGE image with the DST_IMAGE

Usage:
  satchel image tag SRC_IMAGE DST_IMAGE [flags]

Flags:
  -h, --help            help for tag
  -o, --output string   Output mode, possible values are, columns, json, jsonpretty, yaml (default "columns")

${GLOBAL_FLAGS}
`,
  "satchel image list": `List gadget images on the host

Usage:
  satchel image list [IMAGE...] [flags]

Aliases:
  list, ls

Flags:
  -a, --all             List attachments and untagged images too
  -h, --help            help for list
      --no-trunc        Don't truncate output
  -o, --output string   Output mode, possible values are, columns, json, jsonpretty, yaml (default "columns")

${GLOBAL_FLAGS}
`,
  "satchel image remove": `Remove local gadget image

Usage:
  satchel image remove IMAGE [flags]

Aliases:
  remove, rm

Flags:
  -h, --help            help for remove
  -o, --output string   Output mode, possible values are, columns, json, jsonpretty, yaml (default "columns")

${GLOBAL_FLAGS}
`,
  "satchel store": `Check and clean the local image store.
It is /var/lib/ig/oci-store for root and ~/.ig/oci-store for others, the same that ig has.

Usage:
  satchel store [command]

Available Commands:
  check       Read and hash everything in the store and say what is damaged
  gc          Remove what no image needs

Flags:
  -h, --help   help for store

${GLOBAL_FLAGS}

Use "satchel store [command] --help" for more information about a command.
`,
  "satchel store check": `Read and hash everything in the store and say what is damaged.
The exit status is 1 if something is.

Usage:
  satchel store check [flags]

Flags:
  -h, --help            help for check
  -o, --output string   Output mode, possible values are, columns, json, jsonpretty, yaml (default "columns")

${GLOBAL_FLAGS}
`,
  "satchel store gc": `Remove what no image needs

Usage:
  satchel store gc [flags]

Flags:
      --dry-run            Say what would be removed, and remove nothing
  -h, --help               help for gc
      --min-age duration   Keep what is younger: another process may just be writing it (default 1h)
  -o, --output string      Output mode, possible values are, columns, json, jsonpretty, yaml (default "columns")
      --untagged           Remove images without a name too

${GLOBAL_FLAGS}
`,
  "satchel version": `Show version

Usage:
  satchel version [flags]

Flags:
  -h, --help            help for version
  -o, --output string   Output mode, possible values are, columns, json, jsonpretty, yaml (default "columns")

${GLOBAL_FLAGS}
`,
  "satchel completion": `Generate the autocompletion script for the specified shell

Usage:
  satchel completion [command]

Available Commands:
  bash        Generate the autocompletion script for bash
  fish        Generate the autocompletion script for fish
  zsh         Generate the autocompletion script for zsh

Flags:
  -h, --help   help for completion

${GLOBAL_FLAGS}

Use "satchel completion [command] --help" for more information about a command.
`,
  "satchel completion bash": `Generate the autocompletion script for bash

Usage:
  satchel completion bash [flags]

Examples:
  source <(satchel completion bash)
  satchel completion bash > /etc/bash_completion.d/satchel

Flags:
  -h, --help   help for bash

${GLOBAL_FLAGS}
`,
  "satchel completion fish": `Generate the autocompletion script for fish

Usage:
  satchel completion fish [flags]

Examples:
  satchel completion fish | source
  satchel completion fish > ~/.config/fish/completions/satchel.fish

Flags:
  -h, --help   help for fish

${GLOBAL_FLAGS}
`,
  "satchel completion zsh": `Generate the autocompletion script for zsh

Usage:
  satchel completion zsh [flags]

Examples:
  source <(satchel completion zsh)
  satchel completion zsh > "\${fpath[1]}/_satchel"

Flags:
  -h, --help   help for zsh

${GLOBAL_FLAGS}
`,
  "satchel help": `Help about any command

Usage:
  satchel help [command] [flags]

Flags:
  -h, --help   help for help

${GLOBAL_FLAGS}
`,
};

/** The root has them with its own `--help` among them. */
function withHelp(flags: string): string {
  return flags.replace("\n      --lock-timeout", "\n  -h, --help                    help for satchel$&");
}

for (const [command, text] of Object.entries(HELP)) {
  Deno.test(`the help of ${command} is as it was`, async () => {
    const { code, stdout, stderr } = await satchel([...command.split(" ").slice(1), "--help"]);
    assert.equal(stdout, text);
    assert.deepEqual([code, stderr], [0, ""]);
  });
}

// Of each kind one: the root, a group, a command.
for (const command of ["satchel", "satchel image", "satchel image pull"]) {
  const words = command.split(" ").slice(1);

  Deno.test(`help ${words.join(" ")} prints the same as ${command} -h`, async () => {
    const asked = await satchel(["help", ...words]);
    const flag = await satchel([...words, "-h"]);
    assert.deepEqual([asked.code, asked.stdout], [0, HELP[command]]);
    assert.deepEqual([flag.code, flag.stdout], [0, HELP[command]]);
  });
}

for (const group of ["", "image", "store", "completion"]) {
  Deno.test(`satchel ${group} without a subcommand prints its help and succeeds`, async () => {
    const { code, stdout, stderr } = await satchel(group === "" ? [] : [group]);
    assert.deepEqual([code, stdout, stderr], [0, HELP[`satchel ${group}`.trim()], ""]);
  });
}

Deno.test("help is one column of lines without control characters, in a pipe", async () => {
  const { stdout } = await satchel(["image", "pull", "--help"]);
  assert.doesNotMatch(stdout.replaceAll("\n", ""), /\p{Cc}/u);
});

Deno.test("through a link named ig it calls itself ig, in help and in errors", async () => {
  await using scratch = await scratchFolder();
  await Deno.symlink(await binary(), scratch.at("ig"));
  const env = { HOME: scratch.path, SATCHEL_STORE: scratch.at("store") };
  const help = await run(scratch.at("ig"), ["image", "pull", "--help"], { env });
  assert.equal(help.stdout, HELP["satchel image pull"].replaceAll("satchel image", "ig image"));
  const mistake = await run(scratch.at("ig"), ["imag"], { env });
  assert.equal(mistake.code, 2);
  assert.equal(
    mistake.stderr,
    'Error: unknown command "imag" for "ig"\n\nDid you mean this?\n\timage\n\nRun \'ig --help\' for usage.\n',
  );
});

Deno.test("through a link of that name in PATH as well, and under any other name it is satchel", async () => {
  await using scratch = await scratchFolder();
  await Deno.symlink(await binary(), scratch.at("ig"));
  await Deno.symlink(await binary(), scratch.at("gadgets"));
  const env = { HOME: scratch.path, PATH: `${scratch.path}:${Deno.env.get("PATH")}` };
  const found = await run("/bin/sh", ["-c", "ig image; gadgets image"], { env });
  assert.match(found.stdout, /Usage:\n {2}ig image \[command\][^]*Usage:\n {2}satchel image \[command\]/);
});
