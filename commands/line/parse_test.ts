import assert from "node:assert/strict";
import fc from "fast-check";
import { SatchelError } from "../../lib/error.ts";
import { helpText } from "./help.ts";
import { allCommands, firstWordAt, flagsOf, parseLine, pathName, UsageContext } from "./parse.ts";
import { commandTree } from "../tree.ts";

const ROOT = commandTree("satchel");

function parse(...line: string[]) {
  const { path, arguments: words, flags } = parseLine(ROOT, line);
  return { command: pathName(path), arguments: words, flags: Object.fromEntries(flags) };
}

/** The text of the mistake, what is suggested, and the command whose help is named. */
function mistake(...line: string[]) {
  try {
    parse(...line);
  } catch (error) {
    assert.ok(error instanceof SatchelError && error.cause instanceof UsageContext);
    assert.equal(error.code, "usage");
    return [error.message, error.cause.suggested.join(" "), pathName(error.cause.path)];
  }
  assert.fail(`${line.join(" ")} was understood`);
}

const PULL = { command: "satchel image pull", arguments: ["y"], flags: { "insecure-registries": ["x"] } };

Deno.test("flags stand before, between and after commands and arguments", () => {
  assert.deepEqual(parse("image", "pull", "y", "--insecure-registries", "x"), PULL);
  assert.deepEqual(parse("image", "pull", "--insecure-registries", "x", "y"), PULL);
  assert.deepEqual(parse("image", "--insecure-registries", "x", "pull", "y"), PULL);
  assert.deepEqual(parse("--insecure-registries=x", "image", "pull", "y"), PULL);
});

Deno.test("a value stands behind an equals sign or is the next word, and may start with a dash", () => {
  assert.deepEqual(parse("image", "pull", "y", "--authfile", "-----BEGIN").flags, { authfile: "-----BEGIN" });
  assert.deepEqual(parse("image", "pull", "y", "--authfile=--quiet").flags, { authfile: "--quiet" });
  assert.deepEqual(parse("image", "pull", "y", "--authfile=a=b").flags, { authfile: "a=b" });
  assert.deepEqual(parse("image", "pull", "y", "--authfile=").flags, { authfile: "" });
});

Deno.test("a list takes commas and repeats, and blanks around its entries do not count", () => {
  const { flags } = parse("image", "pull", "y", "--insecure-registries", "a, b ,", "--insecure-registries=c");
  assert.deepEqual(flags, { "insecure-registries": ["a", "b", "c"] });
});

Deno.test("a path in a list of paths may have commas, so only repeats add up", () => {
  const { flags } = parse("plugin", "list", "--plugin", "/a,b/c.ts", "--plugin=d.ts");
  assert.deepEqual(flags, { plugin: ["/a,b/c.ts", "d.ts"] });
});

Deno.test("of a flag with one value the last one counts", () => {
  assert.deepEqual(parse("version", "-o", "json", "--output=yaml").flags, { output: "yaml" });
});

Deno.test("short flags take their value with or without a blank, and may be bundled", () => {
  for (const line of [["-o", "json"], ["-ojson"], ["-o=json"]]) {
    assert.deepEqual(parse("image", "list", ...line).flags, { output: "json" });
  }
  assert.deepEqual(parse("image", "list", "-qvo", "json").flags, { quiet: true, verbose: true, output: "json" });
});

Deno.test("a boolean takes a value behind an equals sign alone", () => {
  for (const value of ["true", "1"]) {
    assert.deepEqual(parse("image", "push", "y", `--referrers=${value}`).flags, { referrers: true });
  }
  for (const value of ["false", "0"]) {
    assert.deepEqual(parse("image", "push", "y", `--referrers=${value}`).flags, { referrers: false });
  }
  assert.deepEqual(parse("image", "list", "--quiet", "false").arguments, ["false"]);
  assert.equal(
    mistake("image", "push", "y", "--referrers=no")[0],
    'invalid argument "no" for "--referrers" flag: it takes true or false',
  );
});

Deno.test("a short boolean takes a value in the same way, the last of a bundle too", () => {
  assert.deepEqual(parse("image", "list", "-q=false").flags, { quiet: false });
  assert.deepEqual(parse("image", "list", "-vq=0", "x"), {
    command: "satchel image list",
    arguments: ["x"],
    flags: { verbose: true, quiet: false },
  });
  assert.equal(
    mistake("image", "list", "-q=no")[0],
    'invalid argument "no" for "-q, --quiet" flag: it takes true or false',
  );
  assert.match(mistake("image", "list", "-q==true")[0], /^invalid argument "=true" for/);
  assert.equal(mistake("serve", "-o", "json")[0], "unknown shorthand flag: 'o' in -o");
  assert.equal(mistake("image", "list", "-=x")[0], "unknown shorthand flag: '=' in -=");
  assert.deepEqual(parse("image", "pull", "y", "--authfile", "-q=0").flags, { authfile: "-q=0" });
});

Deno.test("two dashes end the flags", () => {
  assert.deepEqual(parse("image", "tag", "--", "--quiet", "-o"), {
    command: "satchel image tag",
    arguments: ["--quiet", "-o"],
    flags: {},
  });
});

Deno.test("aliases lead to the same command", () => {
  assert.equal(parse("image", "ls").command, "satchel image list");
  assert.equal(parse("image", "rm", "x").command, "satchel image remove");
});

Deno.test("an argument may be called like a command", () => {
  assert.deepEqual(parse("image", "tag", "list", "pull").arguments, ["list", "pull"]);
});

Deno.test("an unknown command is a mistake with suggestions, at every level", () => {
  assert.deepEqual(mistake("imag"), ['unknown command "imag" for "satchel"', "image", "satchel"]);
  assert.deepEqual(mistake("image", "pul", "x"), [
    'unknown command "pul" for "satchel image"',
    "pull push",
    "satchel image",
  ]);
  assert.deepEqual(mistake("zzzzzz"), ['unknown command "zzzzzz" for "satchel"', "", "satchel"]);
});

Deno.test("hidden commands are not suggested", () => {
  assert.deepEqual(mistake("_complete"), ['unknown command "_complete" for "satchel"', "", "satchel"]);
});

Deno.test("an unknown flag is a mistake with suggestions", () => {
  assert.deepEqual(mistake("image", "list", "--no-trun"), [
    "unknown flag: --no-trun",
    "--no-trunc",
    "satchel image list",
  ]);
  assert.deepEqual(mistake("image", "list", "-qx")[0], "unknown shorthand flag: 'x' in -x");
});

Deno.test("a flag of another command is unknown", () => {
  assert.equal(mistake("image", "tag", "a", "b", "--authfile", "x")[0], "unknown flag: --authfile");
  assert.equal(mistake("image", "list", "--o", "json")[0], "unknown flag: --o");
});

Deno.test("a value that is missing or makes no sense is a mistake", () => {
  assert.equal(mistake("image", "list", "-o")[0], "flag needs an argument: 'o' in -o");
  assert.equal(mistake("image", "list", "--output")[0], "flag needs an argument: --output");
  assert.equal(
    mistake("image", "list", "-o", "xml")[0],
    'invalid output mode "xml", valid values are: columns, json, jsonpretty, yaml',
  );
  assert.equal(
    mistake("image", "init", "x", "--kind", "y")[0],
    'invalid kind "y", valid values are: tracer, mapiter, iter',
  );
  assert.equal(
    mistake("image", "list", "--lock-timeout", "5")[0],
    'invalid argument "5" for "--lock-timeout" flag: a duration is written like 30s, 5m or 1h30m',
  );
  assert.equal(
    mistake("image", "list", "--concurrency=-1")[0],
    'invalid argument "-1" for "--concurrency" flag: it must be a whole number from 1 to 256',
  );
});

Deno.test("the number of arguments is checked", () => {
  assert.equal(mistake("image", "pull")[0], "accepts 1 arg(s), received 0");
  assert.equal(mistake("image", "tag", "a", "b", "c")[0], "accepts 2 arg(s), received 3");
  assert.equal(mistake("version", "x")[0], "accepts 0 arg(s), received 1");
});

Deno.test("who asks for help is not told what is missing", () => {
  assert.equal(parse("image", "pull", "--help").command, "satchel image pull");
  assert.equal(mistake("image", "pull", "--help=false")[0], "accepts 1 arg(s), received 0");
});

Deno.test("help with a command that does not exist is a mistake, and so is its version", () => {
  assert.deepEqual(mistake("imag", "--help"), ['unknown command "imag" for "satchel"', "image", "satchel"]);
  assert.deepEqual(mistake("image", "pul", "-h").slice(1), ["pull push", "satchel image"]);
  assert.equal(mistake("nosuch", "--version")[0], 'unknown command "nosuch" for "satchel"');
});

Deno.test("a flag of one name, and one of one letter, is the same in every command, so that a line can be cut into words before it is understood", () => {
  const [kinds, letters, names] = [new Map<string, boolean>(), new Map<string, string>(), new Map<string, string>()];
  for (const { name, short, type } of flagsOf(allCommands(ROOT))) {
    const isBoolean = type === "bool";
    assert.equal(kinds.get(name) ?? isBoolean, isBoolean, name);
    kinds.set(name, isBoolean);
    // It may have no letter in one of them.
    if (short === undefined) continue;
    assert.equal(letters.get(name) ?? short, short, name);
    assert.equal(names.get(short) ?? name, name, short);
    letters.set(name, short);
    names.set(short, name);
  }
});

Deno.test("no command line makes the parser fail in another way than with a usage error", () => {
  const flags = flagsOf(allCommands(ROOT)).flatMap(({ name, short }) => [`--${name}`, `-${short}`, `--${name}=`]);
  const commands = allCommands(ROOT).map(({ name }) => name);
  const word = fc.oneof(fc.constantFrom(...flags), fc.constantFrom(...commands), fc.string(), fc.constant("--"));
  fc.assert(fc.property(fc.array(word, { maxLength: 8 }), (line) => {
    try {
      parseLine(ROOT, line);
    } catch (error) {
      assert.ok(error instanceof SatchelError && error.code === "usage", String(error));
    }
  }));
});

Deno.test("what ig takes for running gadgets is taken, and not shown", () => {
  const tree = commandTree("ig");
  const line = [
    "image",
    "list",
    "--auto-mount-filesystems",
    "--auto-wsl-workaround=false",
    "--pprof-addr",
    "localhost:1",
  ];
  assert.deepEqual(parseLine(tree, line).arguments, []);
  assert.doesNotMatch(helpText([tree]), /auto-mount|auto-wsl|pprof/);
});

Deno.test("a command that was meant is suggested: one level deeper, or by the word that other tools have for it", () => {
  assert.equal(mistake("pull", "x")[1], "image pull");
  assert.equal(mistake("ls")[1], "image list plugin list");
  assert.equal(mistake("rm", "x")[1], "image remove");
  assert.equal(mistake("delete", "x")[1], "image remove");
  assert.equal(mistake("image", "delete", "x")[1], "remove");
  assert.equal(mistake("image", "del", "x")[1], "remove");
});

Deno.test("the first word of a line is found behind flags and their values", () => {
  const at = (...line: string[]) => firstWordAt(ROOT, line);
  assert.equal(at("--store", "x", "hello", "--unknown"), 2);
  assert.equal(at("-q", "--store=x", "hello"), 2);
  assert.equal(at("--", "hello"), 1);
  assert.equal(at("--store", "x"), -1);
  assert.equal(at(), -1);
});
