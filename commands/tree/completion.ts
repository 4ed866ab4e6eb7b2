import type { CommandSpec } from "../line/spec.ts";

const SHELLS = ["bash", "fish", "zsh"] as const;

const LOADING: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: "source <(PROGRAM completion bash)\nPROGRAM completion bash > /etc/bash_completion.d/PROGRAM",
  fish: "PROGRAM completion fish | source\nPROGRAM completion fish > ~/.config/fish/completions/PROGRAM.fish",
  zsh: 'source <(PROGRAM completion zsh)\nPROGRAM completion zsh > "${fpath[1]}/_PROGRAM"',
};

export const COMPLETION: CommandSpec = {
  name: "completion",
  short: "Generate the autocompletion script for the specified shell",
  commands: SHELLS.map((shell) => ({
    name: shell,
    short: `Generate the autocompletion script for ${shell}`,
    examples: LOADING[shell],
    load: () => import("../completion/script.ts"),
  })),
};
