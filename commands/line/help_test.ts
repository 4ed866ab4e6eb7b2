import assert from "node:assert/strict";
import { DEFAULT_CONCURRENCY } from "../../lib/content/mod.ts";
import { DEFAULT_MIN_AGE } from "../../lib/store/gc.ts";
import { parseDuration } from "./flags.ts";
import { helpText } from "./help.ts";
import { allCommands, flagsOf } from "./parse.ts";
import type { CommandSpec } from "./spec.ts";
import { commandTree } from "../tree.ts";

const PULL: CommandSpec = {
  name: "pull",
  aliases: ["get"],
  short: "Pull an image",
  long: "Pull an image\nfrom a registry",
  usage: "IMAGE",
  examples: "PROGRAM pull a\nPROGRAM pull b",
  flags: [
    { name: "output", short: "o", type: "string", usage: "Output mode", default: "columns" },
    { name: "referrers", type: "bool", usage: "Take referrers along", default: "true" },
    { name: "insecure-registries", type: "strings", usage: "List of registries" },
  ],
  load: () => Promise.reject(new Error("not run here")),
};

const ROOT: CommandSpec = {
  name: "satchel",
  short: "Carry images",
  flags: [
    { name: "help", short: "h", type: "bool", usage: "" },
    { name: "lock-timeout", type: "duration", usage: "How long to wait", default: "0" },
    { name: "quiet", short: "q", type: "bool", usage: "Say less" },
  ],
  commands: [
    { name: "secret", short: "Not for people", hidden: true },
    PULL,
    { name: "a-rather-long-name", short: "Stands out", load: PULL.load },
  ],
};

Deno.test("the help of a command is laid out as cobra's", () => {
  assert.equal(
    helpText([ROOT, PULL]),
    `Pull an image
from a registry

Usage:
  satchel pull IMAGE [flags]

Aliases:
  pull, get

Examples:
  satchel pull a
  satchel pull b

Flags:
  -h, --help                          help for pull
      --insecure-registries strings   List of registries
  -o, --output string                 Output mode (default "columns")
      --referrers                     Take referrers along (default true)

Global Flags:
      --lock-timeout duration   How long to wait (default 0)
  -q, --quiet                   Say less
`,
  );
});

Deno.test("the help of a group lists its commands, and how to learn more", () => {
  assert.equal(
    helpText([ROOT]),
    `Carry images

Usage:
  satchel [command]

Available Commands:
  a-rather-long-name Stands out
  pull               Pull an image

Flags:
  -h, --help                    help for satchel
      --lock-timeout duration   How long to wait (default 0)
  -q, --quiet                   Say less

Use "satchel [command] --help" for more information about a command.
`,
  );
});

Deno.test("on a terminal, what a flag does is wrapped in its own column", () => {
  const flags = helpText([ROOT, PULL], 66).split("\n").filter((line) => /output|"columns"/.test(line));
  assert.deepEqual(flags, [
    "  -o, --output string                 Output mode (default",
    '                                      "columns")',
  ]);
  assert.deepEqual(helpText([ROOT, PULL], 50), helpText([ROOT, PULL]));
});

Deno.test("help names the program as it was called", () => {
  const root = commandTree("ig");
  const image = root.commands!.find(({ name }) => name === "image")!;
  assert.match(helpText([root, image]), /Usage:\n {2}ig image \[command\]\n[^]*Use "ig image \[command\] --help"/);
});

Deno.test("every command and every flag says what it is for", () => {
  for (const { name, short, flags = [] } of allCommands(commandTree("satchel"))) {
    assert.notEqual(short, "", name);
    for (const flag of flags) assert.ok(flag.usage !== "" || flag.name === "help", `${name} --${flag.name}`);
  }
});

Deno.test("the defaults that help tells are those that hold", () => {
  const flags = flagsOf(allCommands(commandTree("satchel")));
  const told = (name: string) => flags.find((flag) => flag.name === name)?.default;
  assert.equal(told("concurrency"), String(DEFAULT_CONCURRENCY));
  assert.equal(parseDuration(told("min-age")!), DEFAULT_MIN_AGE);
});

Deno.test("a command below one that has nothing to hand down has no global flags in its help", () => {
  const { flags: _, ...bare } = ROOT;
  assert.doesNotMatch(helpText([bare, PULL]), /Global Flags/);
  assert.match(helpText([ROOT, PULL]), /\nGlobal Flags:\n/);
});
