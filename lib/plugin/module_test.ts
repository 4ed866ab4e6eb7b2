import assert from "node:assert/strict";
import { scratchFolder } from "../../tests/harness/mod.ts";
import { hasCode } from "../error.ts";
import { openNamed, refusalIn, TRANSFER, VERIFY, writeModule, writeSafely } from "./_testing.ts";

/** The message of the refusal when this code is what `beforePull` does. */
function refusalBy(body: string, timeout?: number): Promise<string> {
  return refusalIn((scratch) => writeModule(scratch.at("guard.ts"), `beforePull: ${body}`), timeout);
}

Deno.test("a module in TypeScript with an enum and an import beside it gets the request and its settings", async () => {
  await using scratch = await scratchFolder();
  writeSafely(scratch.at("words.ts"), `export enum Word { No = "no" }`, 0o644);
  const path = writeModule(
    scratch.at("guard.ts"),
    `beforePull: (request, { settings, version }) =>
       ({ allow: false, reason: [Word.No, request.reference, settings.list, version].join(" ") })`,
    `import { Word } from "./words.ts";`,
  );
  await using host = await openNamed([], { named: [{ path, from: "x", settings: { list: "of-mine" } }] });
  await assert.rejects(
    host.check("beforePull", TRANSFER),
    /^SatchelError: refused by the plugin guard: no ghcr.io\/team\/gadget:latest of-mine 1.2.3$/,
  );
});

Deno.test("a module that throws, rejects, or answers what it should not refuses", async () => {
  assert.equal(await refusalBy(`() => { throw new Error("no\\x1b[2J") }`), "no\\x1b[2J");
  assert.equal(await refusalBy(`() => Promise.reject("tired")`), "tired");
  assert.equal(await refusalBy(`() => Promise.reject(null)`), "null");
  assert.match(await refusalBy(`() => undefined`), /^the answer of beforePull is null, not an object$/);
  assert.match(
    await refusalBy(`() => ({ allow: "yes" })`),
    /^"allow" in the answer of beforePull is text, not true or false$/,
  );
  assert.match(await refusalBy(`() => ({ allow: 1n })`), /BigInt/);
  assert.match(await refusalBy(`() => { const a = {}; a.a = a; return a; }`), /circular/);
  assert.match(
    await refusalBy(`() => ({ allow: false, reason: "x".repeat(5 << 20) })`),
    /^the answer of beforePull is longer than 4194304 bytes$/,
  );
});

Deno.test("a module that does not answer in time refuses, also one that never lets go", async () => {
  assert.equal(await refusalBy(`() => new Promise(() => {})`, 100), "it did not answer within 0.1 s");
  assert.equal(
    await refusalBy(`() => { const end = Date.now() + 3000; while (Date.now() < end); }`, 100),
    "it did not answer within 0.1 s",
  );
});

Deno.test("a plugin that does not say in time what it is is a failure, whatever its form", async () => {
  await using scratch = await scratchFolder();
  const module = writeSafely(scratch.at("slow.ts"), "await new Promise(() => {}); export default {};", 0o644);
  const script = writeSafely(scratch.at("satchel-slow"), "#!/bin/sh\nexec sleep 60\n", 0o755);
  await using host = await openNamed([module, script], { loadTimeout: 100 });
  assert.deepEqual(host.plugins.map(({ failure }) => failure?.message), [
    "it did not answer within 0.1 s",
    `${script} did not end within 0.1 s`,
  ]);
});

Deno.test("a module that exits, or throws where nobody catches, refuses and takes nothing along", async () => {
  assert.equal(await refusalBy(`() => process.exit(0)`), "it ended itself by process.exit()");
  assert.equal(await refusalBy(`() => self.close()`), "it ended itself by close()");
  const never = "return new Promise(() => {})";
  assert.equal(await refusalBy(`() => { setTimeout(() => { throw new Error("late") }, 1); ${never} }`), "late");
  assert.equal(await refusalBy(`() => { Promise.reject(new Error("lost")); ${never} }`), "lost");
});

Deno.test("a module that has ended refuses ever after", async () => {
  await using scratch = await scratchFolder();
  const path = writeModule(
    scratch.at("guard.ts"),
    `beforePull: () => process.exit(0), afterPull: () => ({ allow: true })`,
  );
  await using host = await openNamed([path]);
  await host.check("afterPull", TRANSFER);
  await assert.rejects(host.check("beforePull", TRANSFER), /ended itself/);
  await assert.rejects(host.check("afterPull", TRANSFER), /failed in afterPull: it has ended before: it ended itself/);
});

Deno.test("a worker that posts a broken answer is a failure of the plugin, and no crash", async () => {
  await using scratch = await scratchFolder();
  const evil = "{ toString: 1, valueOf: 1 }";
  const text = `const inner = self.postMessage.bind(self);
    const all = (answer) => { for (let id = 1; id < 9; id++) inner({ type: "answer", id, answer }); };
    export default { contract: 1, name: "guard",
      beforePull: () => all(${evil}), afterPull: () => all("{"),
      beforePush: () => { inner({ type: "log", text: ${evil} }); inner({ type: "failed", id: 4, error: ${evil} }); },
      commands: [{ name: "hello", summary: "s", run: () => all("{") }, { name: "bye", summary: "s", run: () => all(7) }] };`;
  const path = writeSafely(scratch.at("guard.ts"), text, 0o644);
  await using host = await openNamed([path]);
  const which = `the plugin guard \\(${path}\\) failed in`;
  await assert.rejects(host.check("beforePull", TRANSFER), {
    message: new RegExp(`^${which} beforePull: the answer of`),
  });
  await assert.rejects(host.check("afterPull", TRANSFER), {
    message: new RegExp(`^${which} afterPull: .*is not JSON`),
  });
  await assert.rejects(host.check("beforePush", TRANSFER), { message: new RegExp(`^${which} beforePush: `) });
  for (const command of ["hello", "bye"]) {
    const running = host.runCommand(host.plugins[0], command, { arguments: [], flags: {} });
    await assert.rejects(
      running,
      (error) => hasCode(error, "plugin") && new RegExp(`^${which} the command`).test(error.message),
    );
  }
});

Deno.test("messages that a module makes up are passed over", async () => {
  await using scratch = await scratchFolder();
  const forged = [`null`, `7`, `{ type: "answer", id: 99, answer: "{}" }`, `{ type: "run" }`, `{}`];
  const posts = forged.map((each) => `self.postMessage(${each});`).join(" ");
  const path = writeModule(scratch.at("guard.ts"), `beforePull: () => { ${posts} return { allow: true }; }`);
  await using host = await openNamed([path]);
  await host.check("beforePull", TRANSFER);
});

Deno.test("what a module prints is logged line by line, and made safe", async () => {
  await using scratch = await scratchFolder();
  const path = writeModule(
    scratch.at("guard.ts"),
    `beforePull: (_, context) => {
       console.log("one", { two: 2 });
       process.stdout.write("three\\nfour\\n");
       context.log("five \\x1b[31m");
       if ("print" in context) context.log("hooks do not print");
       return { allow: true };
     }`,
  );
  await using host = await openNamed([path]);
  await host.check("beforePull", TRANSFER);
  assert.deepEqual(
    host.lines,
    [`one {"two":2}`, "three", "four", "five \\x1b[31m"].map((line) => `guard: ${line}`),
  );
  assert.deepEqual(host.printed, []);
});

Deno.test("a module runs programs, whose time ends with the hook's", async () => {
  await using scratch = await scratchFolder();
  const path = writeModule(
    scratch.at("guard.ts"),
    `beforePull: async (_, { exec }) => {
       const { status, stdout, stderr } = await exec("sh", ["-c", "cat; echo e >&2; exit 3"], { stdin: "in" });
       const none = await exec("no-such-program", []).catch(({ message }) => message);
       const relative = await exec("./guard", []).catch(({ message }) => message);
       return { allow: false, reason: JSON.stringify([status, stdout, stderr, none, relative]) };
     },
     afterPull: (_, { exec }) => exec("sleep", ["60"])`,
  );
  await using host = await openNamed([path], { timeout: 500 });
  await assert.rejects(host.check("beforePull", TRANSFER), ({ message }) => {
    assert.deepEqual(JSON.parse(message.replace(/^.*guard: /, "")), [
      3,
      "in",
      "e\n",
      "there is no program no-such-program on PATH",
      "./guard is neither the name of a program nor its absolute path",
    ]);
    return true;
  });
  await assert.rejects(host.check("afterPull", TRANSFER), /did not answer within 0.5 s/);
});

Deno.test("a module imports files and what the runtime has, also while it runs, and each file is one module", async () => {
  await using scratch = await scratchFolder();
  writeSafely(scratch.at("count.ts"), `let n = 0;\nexport const next = (): number => ++n;`, 0o644);
  writeSafely(scratch.at("left.js"), `import { next } from "./count.ts"; export const left = next;`, 0o644);
  writeSafely(scratch.at("late.ts"), `export { next } from "./count.ts"; export const here = import.meta.url;`, 0o644);
  writeSafely(scratch.at("data.json"), `{"word": "data"}`, 0o644);
  const path = writeModule(
    scratch.at("guard.ts"),
    `beforePull: async () => {
       const late = await import("./late.ts");
       return { allow: false, reason: [left(), next(), late.next(), basename(late.here), data.word].join(" ") };
     }`,
    `import { basename } from "node:path";
     import { left } from "./left.js";
     import { next } from "./count.ts";
     import data from "./data.json" with { type: "json" };`,
  );
  await using host = await openNamed([path]);
  await assert.rejects(host.check("beforePull", TRANSFER), /guard: 1 2 3 late.ts data$/);
});

Deno.test("what a module imports is under the rules of the plugin itself, at any depth and at any time", async () => {
  await using scratch = await scratchFolder();
  Deno.chmodSync(writeSafely(scratch.at("open.ts"), `export default 1;`, 0o644), 0o666);
  writeSafely(scratch.at("between.ts"), `import "./open.ts";`, 0o644);
  const early = writeModule(scratch.at("early.ts"), "", `import "./between.ts";`);
  const late = writeModule(scratch.at("late.ts"), `beforePull: () => import("./open.ts")`);
  await using atLoad = await openNamed([early]);
  assert.match(atLoad.plugins[0].failure?.message ?? "", /it imports "\.\/open\.ts": .*0666/);
  await using atCall = await openNamed([late]);
  await assert.rejects(atCall.check("beforePull", TRANSFER), /it imports "\.\/open\.ts": .*0666/);
});

Deno.test("what is imported at the same time, directly and by others, is evaluated once and is all there", async () => {
  await using scratch = await scratchFolder();
  writeSafely(scratch.at("r.ts"), `let n = 0;\nexport const next = () => ++n;\nawait Promise.resolve();`, 0o644);
  writeSafely(scratch.at("p.ts"), `import { next } from "./r.ts"; export const mine = next();`, 0o644);
  writeSafely(
    scratch.at("q.ts"),
    `import { mine } from "./p.ts"; import { next } from "./r.ts"; export { mine, next };`,
    0o644,
  );
  const path = writeModule(
    scratch.at("guard.ts"),
    `beforePull: async () => {
       const parts = await Promise.all(["./q.ts", "./p.ts", "./p.ts", "./r.ts"].map((name) => import(name)));
       return { allow: false, reason: parts.map(({ mine }) => mine).join(" ") + " " + parts[3].next() };
     }`,
  );
  await using host = await openNamed([path]);
  await assert.rejects(host.check("beforePull", TRANSFER), /guard: 1 1 1 {2}2$/);
});

Deno.test("a module knows where it is, has no require, and JSON has no prototype of its own", async () => {
  await using scratch = await scratchFolder();
  writeSafely(scratch.at("data.json"), `{"a": 1, "__proto__": {"evil": "yes"}}`, 0o644);
  const path = writeModule(
    scratch.at("guard.ts"),
    `beforePull: () => ({
       allow: false,
       reason: [import.meta.filename, import.meta.dirname, typeof import.meta.require, typeof require, data.evil].join(" "),
     })`,
    `import data from "./data.json" with { type: "json" };`,
  );
  await using host = await openNamed([path]);
  const place = `${path} ${scratch.path} undefined undefined `;
  await assert.rejects(host.check("beforePull", TRANSFER), ({ message }) => message.endsWith(`guard: ${place}`));
});

Deno.test("a builtin module that the runtime has not is looked for nowhere else", async () => {
  await using scratch = await scratchFolder();
  const evil = scratch.at("node_modules", "node:none", "index.js");
  writeSafely(evil, `throw new Error("this has run");`, 0o644);
  const paths = ["node:none", "node:fs/../../evil.ts"].map((name, index) =>
    writeModule(scratch.at(`guard${index}.ts`), "", `import ${JSON.stringify(name)};`)
  );
  await using host = await openNamed(paths);
  for (const { failure } of host.plugins) assert.match(failure?.message ?? "", /which this runtime has not/);
});

Deno.test("packages and modules that import each other are refused", async () => {
  await using scratch = await scratchFolder();
  writeSafely(scratch.at("a.ts"), `import "./b.ts";`, 0o644);
  writeSafely(scratch.at("b.ts"), `import "./a.ts";`, 0o644);
  const paths = [
    writeModule(scratch.at("package.ts"), "", `import "lodash";`),
    writeModule(scratch.at("circle.ts"), "", `import "./a.ts";`),
  ];
  await using host = await openNamed(paths);
  const [first, second] = host.plugins.map(({ failure }) => failure?.message ?? "");
  assert.match(first, /it imports "lodash", and only files are imported \(.*bundle packages/);
  assert.match(second, /import each other/);
});

Deno.test("a module that cannot be loaded, or is no plugin, is a failure, and everything is refused", async () => {
  await using scratch = await scratchFolder();
  const texts = {
    "throws.ts": `throw new Error("on load")`,
    "syntax.ts": `export default {`,
    "no_default.ts": `export const plugin = 1;`,
    "old.ts": `export default { contract: 0, name: "old" };`,
    "misspelt.ts": `export default { contract: 1, name: "misspelt", beforePul: () => ({ allow: true }) };`,
    "no_function.ts": `export default { contract: 1, name: "nof", credentials: { get: 7 } };`,
    "missing.ts": `import "./nowhere.ts"; export default { contract: 1, name: "missing" };`,
  };
  const paths = Object.entries(texts).map(([name, text]) => writeSafely(scratch.at(name), text, 0o644));
  await using host = await openNamed(paths);
  const failures = host.plugins.map(({ name, failure }) => `${name}: ${failure?.code} ${failure?.message}`);
  assert.equal(failures[0], "throws.ts: plugin on load");
  assert.match(failures[1], /^syntax.ts: plugin \/.*\/syntax.ts:1:\d+: \S/);
  assert.equal(failures[2], "no_default.ts: plugin it has no default export that is a plugin");
  assert.match(failures[3], /it is for contract 0, this satchel knows 1/);
  assert.match(failures[4], /it has a function "beforePul", which is no hook \(did you mean beforePull\?\)$/);
  assert.match(failures[5], /its credentials.get is no function/);
  assert.match(failures[6], /nowhere/);
  await assert.rejects(host.check("afterImport", TRANSFER), (error) => {
    assert.ok(hasCode(error, "refused"));
    assert.match(error.message, /^the plugin throws.ts \(.*\/throws.ts\) cannot be used: on load$/);
    return true;
  });
});

Deno.test("a judge of signatures that fails has not verified, and the others are still heard", async () => {
  await using scratch = await scratchFolder();
  const right = `verify: () => ({ verdict: "verified", reason: "by key 7", evidence: [{ key: 7 }] })`;
  const broken = writeSafely(
    scratch.at("broken.ts"),
    `export default { contract: 1, name: "broken", verify: () => { throw new Error("no key") } };`,
    0o644,
  );
  await using host = await openNamed([broken, writeModule(scratch.at("guard.ts"), right)]);
  assert.deepEqual(await host.verify(VERIFY), [
    {
      plugin: "broken",
      verdict: "rejected",
      reason: `the plugin broken (${broken}) failed in verify: no key`,
      evidence: [],
    },
    { plugin: "guard", verdict: "verified", reason: "by key 7", evidence: [{ key: 7 }] },
  ]);
});

Deno.test("a command prints to stdout, gets its arguments, and returns its status", async () => {
  await using scratch = await scratchFolder();
  const command = (name: string, body: string) =>
    `{ name: "${name}", summary: "s", run: ({ arguments: a, flags }, { print }) => { ${body} } }`;
  const path = writeModule(
    scratch.at("guard.ts"),
    `commands: [${command("hello", `print(a.join("+") + flags.loud); return 7`)}, ${command("quiet", "")}, ${
      command("odd", "return 256")
    }]`,
  );
  await using host = await openNamed([path]);
  const [plugin] = host.plugins;
  assert.equal(await host.runCommand(plugin, "hello", { arguments: ["a", "b"], flags: { loud: true } }), 7);
  assert.deepEqual(host.printed, ["a+btrue"]);
  assert.equal(await host.runCommand(plugin, "quiet", { arguments: [], flags: {} }), 0);
  await assert.rejects(host.runCommand(plugin, "odd", { arguments: [], flags: {} }), /no exit status/);
});

Deno.test("Ctrl-C ends a hook at once", async () => {
  await using scratch = await scratchFolder();
  const controller = new AbortController();
  const path = writeModule(
    scratch.at("guard.ts"),
    `beforePull: (_, { log }) => { log("started"); return new Promise(() => {}); }`,
  );
  await using host = await openNamed([path], {
    signal: controller.signal,
    onLog: () => controller.abort(),
  });
  await assert.rejects(host.check("beforePull", TRANSFER), (error) => hasCode(error, "cancelled"));
});
