import assert from "node:assert/strict";
import { binary, makeGadget, satchelEnvironment, satchelSucceeds, scratchFolder } from "../harness/mod.ts";
import { writeStore } from "./cli_stores.ts";
import { openTerminal } from "./cli_terminal.ts";
import { GADGETS, gadgetStore } from "./gadget_images.ts";

const NAME = "ghcr.io/inspektor-gadget/gadget";

/** Runs `image inspect` on a terminal, and returns what it wrote, line by line. */
async function onTerminal(store: string, line: string, env: Record<string, string> = {}): Promise<string[]> {
  await using scratch = await scratchFolder();
  const command = `${await binary()} image inspect ${line}`;
  await using terminal = openTerminal(command, { ...satchelEnvironment(store, scratch.path), ...env });
  assert.equal(await terminal.status, 0);
  return terminal.output.replaceAll("\r", "").trimEnd().split("\n");
}

async function summary(store: string, name: string): Promise<string> {
  return await satchelSucceeds(["image", "inspect", name, "-o", "summary"], { store });
}

Deno.test("the summary tells name, digest, age, platforms with sizes, programs, maps and fields", async () => {
  await using scratch = await scratchFolder();
  const shown = (await summary(await gadgetStore(scratch.path), "trace-ringbuf")).replace(/\d+ years/, "N years");
  assert.equal(
    shown,
    `Name          ${NAME}/trace-ringbuf:latest
Title         fixture ring buffer
Kind          Gadget (application/vnd.gadget.v1+binary)
Digest        sha256:f34703e5f255470d8e5e33bff10939e98dfd0752ec9efcd73ca7a25ae4f6ecbd
Created       2023-11-14T22:13:20Z (N years ago)
Found in      the store ${scratch.path}/gadgets
Description   one record per openat
Homepage      https://example.org/
Docs          https://example.org/docs
Source        https://example.org/src
Built by      v0.0.0
Shown         what is for linux/amd64

Platforms
  PLATFORM      DIGEST         SIZE
  linux/amd64   2a720890a5a7   5.76 kB
  linux/arm64   2a720890a5a7   5.76 kB

Programs
  NAME        ATTACHED BY   TO                          INSTRUCTIONS
  on_openat   tracepoint    syscalls/sys_enter_openat   31

Maps
  NAME    TYPE      KEY   VALUE   SIZE
  opens   RingBuf   -     -       4.1 kB

Data sources
  open (one event at a time)
    FIELD           TYPE     DESCRIPTION
    timestamp_raw   uint64   when (hidden)
    mntns_id        uint64   Mount namespace ID (hidden)
    pid             uint32   who
    comm            string   Process name
    flags           int32
    path            string   the file's path
    timestamp       string   (hidden)
`.replace("linux/amd64\n\n", `linux/${Deno.build.arch === "aarch64" ? "arm64" : "amd64"}\n\n`),
  );
});

Deno.test("the summary tells parameters with types, defaults and what gadget.yaml says of them", async () => {
  await using scratch = await scratchFolder();
  const [, shown] = /^Parameters\n([^]*?)\n\n/m.exec(await summary(await gadgetStore(scratch.path), "params")) ?? [];
  assert.deepEqual(shown.split("\n").map((line) => line.trim().split(/ {3,}/)), [
    ["NAME", "TYPE", "DEFAULT", "DESCRIPTION"],
    ["targ_pid", "uint32", "0"],
    ["targ_uid", "uint32", "4294967295"],
    ["targ_comm", "string", "-"],
    ["verbose", "bool", "true"],
    ["offset", "int32", "-5"],
    ["tiny", "uint8", "200"],
    ["big", "int64", "-9000000000"],
    ["port", "uint16", "443", "the port to watch. gadget.yaml says that the default is 8443."],
    ["name-prefix, -p", "string", "abc", "names that begin with this. One of abc, xyz. Variable prefix."],
  ]);
});

for (const name of GADGETS) {
  Deno.test(`the summary of ${name} fits into a terminal of 80 columns, without escape codes where nobody wants them`, async () => {
    await using scratch = await scratchFolder();
    const lines = await onTerminal(await gadgetStore(scratch.path), name);
    assert.match(lines[0], new RegExp(`^Name +${NAME}/${name}:latest$`));
    for (const line of lines) assert.ok([...line].length <= 80 && !line.includes("\x1b"), line);
  });
}

Deno.test("on a narrow terminal nothing is wider than it either, and all of a description is there", async () => {
  await using scratch = await scratchFolder();
  const description = Array.from({ length: 60 }, (_, index) => `word${index}`).join(" ");
  const metadata = `name: x\nparams:\n  wasm:\n    level:\n      key: level\n      description: ${description}\n`;
  const store = scratch.at("store");
  await writeStore(store, [{ image: makeGadget({ metadata }), name: "example.org/x/y:v1" }]);
  const command = `sh -c "stty cols 40; ${await binary()} image inspect example.org/x/y:v1"`;
  await using terminal = openTerminal(command, satchelEnvironment(store, scratch.path));
  assert.equal(await terminal.status, 0);
  const lines = terminal.output.replaceAll("\r", "").split("\n");
  for (const line of lines) assert.ok(line.length <= 40, line);
  for (const word of description.split(" ")) {
    assert.ok(lines.some((line) => line.split(/[ .]+/).includes(word)), word);
  }
});

Deno.test("headings are bold on a terminal, unless NO_COLOR is set or the result is for programs", async () => {
  await using scratch = await scratchFolder();
  const store = await gadgetStore(scratch.path);
  const coloured = await onTerminal(store, "trace-perf", { NO_COLOR: "" });
  assert.ok(coloured.includes("\x1b[1mPrograms\x1b[0m"), coloured.join("\n"));
  const json = await onTerminal(store, "trace-perf -o json", { NO_COLOR: "" });
  assert.ok(!json.join("").includes("\x1b") && JSON.parse(json.join("")));
  const key = await onTerminal(store, "trace-perf --extra-info wasm.x", { NO_COLOR: "" }).catch(() => "failed");
  assert.equal(key, "failed");
});

Deno.test("nothing that stands in an image acts on the terminal or looks like more than it is", async () => {
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  const evil = "\x1b]0;gone\x07\u202egnp.exe\r\nName          trusted";
  const text = JSON.stringify(evil);
  const metadata =
    `name: x\ndescription: ${text}\nparams:\n  ebpf:\n    a:\n      key: ${text}\n      description: ${text}\n`;
  const annotations = { "org.opencontainers.image.description": evil, "org.opencontainers.image.created": evil };
  await writeStore(store, [{ image: makeGadget({ metadata, annotations }), name: "example.org/x/y:v1" }]);
  const lines = await onTerminal(store, "example.org/x/y:v1", { NO_COLOR: "" });
  const foreign = lines.join("\n").replaceAll("\x1b[1m", "").replaceAll("\x1b[0m", "");
  assert.equal(foreign.split("\n").filter((line) => line.startsWith("Name")).length, 1);
  // deno-lint-ignore no-control-regex -- the question is whether some are left
  assert.ok(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(foreign), JSON.stringify(foreign));
  const metadataText = await onTerminal(store, "example.org/x/y:v1 --extra-info oci.metadata --jsonpath .description");
  // deno-lint-ignore no-control-regex -- the question is whether some are left
  assert.ok(!/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/.test(metadataText.join("\n")));
  const line = ["image", "inspect", "example.org/x/y:v1", "--extra-info", "oci.metadata", "--jsonpath", ".description"];
  assert.equal(await satchelSucceeds(line, { store }), `${evil}\n`);
});

Deno.test("a shell completes names of images, outputs and policies", async () => {
  await using scratch = await scratchFolder();
  const store = await gadgetStore(scratch.path);
  const complete = (...words: string[]) =>
    satchelSucceeds(["__complete", "--", "image", "inspect", ...words], { store });
  assert.equal(await complete("trace-r"), ":words\ntrace-ringbuf:latest\n");
  assert.equal(await complete("-o", "s"), ":words\nsummary\n");
  assert.equal(await complete("--pull", ""), ":words\nalways\nmissing\nnever\n");
});
