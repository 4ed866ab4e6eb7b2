import contract from "../../lib/plugin/contract.ts" with { type: "text" };
import { VERSION } from "../build_info.ts";

/** A file that `satchel plugin init` writes. */
export interface StartingFile {
  name: string;
  text: string;
  mode: number;
  /** Whether one of that name that is there already may stay and be used. */
  isShared?: boolean;
}

/** What a plugin can be started as. */
export const FORMS = ["module", "executable"] as const;

/** The version of the contract that what is written here keeps. */
const CONTRACT = 1;

/** The files that a new plugin starts from. They run as they are. */
export function startingFiles(form: (typeof FORMS)[number], name: string): StartingFile[] {
  if (form === "executable") return [{ name: `satchel-${name}`, text: executable(name), mode: 0o755 }];
  return [
    { name: "satchel.d.ts", text: declarations(), mode: 0o644, isShared: true },
    { name: `${name}.ts`, text: moduleText(name), mode: 0o644 },
  ];
}

/** The types of the contract, for authors of modules; the first line says of what version. */
export function declarations(): string {
  return `// satchel ${VERSION}, version ${CONTRACT} of the contract\n${contract}`;
}

function moduleText(name: string): string {
  return `import type { Plugin } from "./satchel.d.ts";

const plugin: Plugin = {
  contract: ${CONTRACT},
  name: "${name}",
  description: "Says what is pulled",
  version: "0.1.0",

  // Asked when it is known what the name stands for, before anything of it is fetched.
  beforePull({ reference, subject }, { log, settings }) {
    if (settings.refuse === true) return { allow: false, reason: "settings.refuse is true" };
    log(\`\${reference} is \${subject.digest}\`);
    return { allow: true };
  },

  commands: [
    {
      name: "hello",
      summary: "Greet somebody",
      arguments: { usage: "[NAME]", min: 0, max: 1 },
      flags: [{ name: "loud", letter: "l", type: "bool", summary: "Greet loudly" }],
      run({ arguments: [name = "world"], flags }, { print }) {
        const text = \`Hello, \${name}\`;
        print(\`\${flags.loud === true ? text.toUpperCase() : text}\\n\`);
      },
    },
  ],
};

export default plugin;
`;
}

function executable(name: string): string {
  return String.raw`#!/bin/sh
# A plugin for satchel, and the command "satchel NAME".
set -eu

usage() {
  echo "usage: satchel NAME hello [WHOM]"
}

case "\${1-}" in
--satchel-manifest)
  echo '{"contract": 1, "name": "NAME", "description": "Says what is pulled", "version": "0.1.0", "hooks": ["beforePull"]}'
  ;;
--satchel-hook)
  case "$2" in
  beforePull)
    # The image is in the environment; the whole request and the settings are JSON on stdin, for those who want more.
    # What goes to stderr is shown to the user; the answer goes to stdout.
    echo "$SATCHEL_REFERENCE is $SATCHEL_DIGEST" >&2
    echo '{"allow": true}'
    ;;
  *)
    echo "there is no hook $2" >&2
    exit 1
    ;;
  esac
  ;;
hello)
  echo "Hello, \${2-world}"
  ;;
-h | --help)
  usage
  ;;
*)
  usage >&2
  exit 2
  ;;
esac
`.replaceAll("\\${", "${").replaceAll("NAME", name);
}
