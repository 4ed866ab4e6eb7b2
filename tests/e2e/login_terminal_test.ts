import { strict as assert } from "node:assert";
import { join } from "node:path";
import {
  ACCOUNT,
  ACCOUNT_LINE,
  binary,
  makeGadget,
  peerTest,
  type Registry,
  ROOT,
  satchelEnvironment,
  type Scratch,
  scratchFolder,
  startRegistry,
  writeAuthFile,
} from "../harness/mod.ts";
import { openTerminal } from "./cli_terminal.ts";
import { reply, startHostileRegistry } from "./hostile_registry.ts";

/** A registry that wants {@link ACCOUNT}, and a folder for the auth file. */
interface World extends AsyncDisposable {
  registry: Registry;
  scratch: Scratch;
  file: string;
  env: Record<string, string>;
  /** A login that asks, as a shell command; afterwards the state of the terminal is shown. */
  command: string;
}

async function startWorld(program?: string): Promise<World> {
  const scratch = await scratchFolder();
  const registry = await startRegistry({ htpasswd: ACCOUNT_LINE });
  const file = scratch.at("auth.json");
  const login = `${program ?? await binary()} login ${registry.host} --plain-http --authfile ${file}`;
  return {
    registry,
    scratch,
    file,
    env: {
      ...satchelEnvironment(scratch.at("store"), scratch.path),
      DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
    },
    command: `stty -a > ${scratch.at("before")}; ${login}; status=$?; stty -a > ${scratch.at("after")}; ` +
      `echo status=$status`,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

async function assertRestored({ scratch }: World): Promise<void> {
  const [before, after] = await Promise.all(["before", "after"].map((name) => Deno.readTextFile(scratch.at(name))));
  assert.match(before, /[^-]echo\b/);
  assert.equal(after, before);
}

const BY_DENO = `${Deno.execPath()} run -A --no-prompt ${join(ROOT, "main.ts")}`;

for (const [runtime, program] of [["the binary", undefined], ["the sources under Deno", BY_DENO]] as const) {
  peerTest(["registry", "script"], `${runtime} asks for name and password, and shows the name alone`, async () => {
    await using world = await startWorld(program);
    await using terminal = openTerminal(world.command, world.env);
    await terminal.waitFor(/Username: /);
    await terminal.type(`${ACCOUNT.username}\r`);
    await terminal.waitFor(/joe[^]*Password: /);
    await terminal.type(`${ACCOUNT.password}\r`);
    await terminal.waitFor(/Login Succeeded![^]*status=0/);
    await terminal.status;
    assert.ok(!terminal.output.includes(ACCOUNT.password), terminal.output);
    await assertRestored(world);
  });

  peerTest(
    ["registry", "script"],
    `Ctrl-C at a question of ${runtime} is exit 130 and gives the terminal back`,
    async () => {
      for (const key of ["\x03", "\x04"]) {
        await using world = await startWorld(program);
        await using terminal = openTerminal(world.command, world.env);
        await terminal.waitFor(/Username: /);
        await terminal.type("joe\r");
        await terminal.waitFor(/Password: /);
        await terminal.type(key === "\x03" ? "s3c" : "");
        await terminal.type(key);
        await terminal.waitFor(/status=130/);
        await terminal.status;
        assert.ok(!terminal.output.includes("s3c"), terminal.output);
        await assertRestored(world);
        await assert.rejects(Deno.stat(world.file), Deno.errors.NotFound);
      }
    },
  );
}

for (const [runtime, program] of [["the binary", undefined], ["the sources under Deno", BY_DENO]] as const) {
  for (const TERM of ["xterm", "dumb"]) {
    peerTest(
      ["registry", "script"],
      `Ctrl-Z at both questions of ${runtime} on TERM=${TERM} lends the terminal to the shell, and fg goes on`,
      async () => {
        await using world = await startWorld(program);
        const { registry, file, scratch } = world;
        const states = ["at the name", "at the password", "at the end"].map((name) => scratch.at(name));
        const env = { ...world.env, TERM, PS1: "ready> " };
        await using terminal = openTerminal("exec bash --norc --noprofile -i", env);
        const enter = async (line: string) => {
          await terminal.waitFor(/ready> /);
          await terminal.type(`${line}\r`);
        };
        await enter(`${program ?? await binary()} login ${registry.host} --plain-http --authfile ${file}`);
        await terminal.waitFor(/Username: /);
        await terminal.type("xx\x1a");
        await terminal.waitFor(/Stopped/);
        await enter(`stty -a > "${states[0]}"`);
        await enter("fg");
        await terminal.waitFor(/Username: /);
        await terminal.type(`${ACCOUNT.username}\r`);
        await terminal.waitFor(/Password: /);
        await terminal.type("s3c\x1a");
        await terminal.waitFor(/Stopped/);
        await enter(`stty -a > "${states[1]}"`);
        await enter("fg");
        await terminal.waitFor(/Password: /);
        await terminal.type(`${ACCOUNT.password}\r`);
        await terminal.waitFor(/Login Succeeded!/);
        await enter(`stty -a > "${states[2]}"`);
        await enter("exit");
        await terminal.status;
        for (const state of states) assert.match(await Deno.readTextFile(state), /[^-]isig icanon .*[^-]echo /, state);
        assert.doesNotMatch(terminal.output, new RegExp(`${ACCOUNT.password}|s3c`));
      },
    );
  }
}

peerTest(["registry", "script"], "Ctrl-Z where no shell looks after the job does no harm", async () => {
  await using world = await startWorld();
  await using terminal = openTerminal(world.command, world.env);
  await terminal.waitFor(/Username: /);
  await terminal.type("xx\x1a");
  await terminal.waitFor(/Username: /);
  await terminal.type(`${ACCOUNT.username}\r`);
  await terminal.waitFor(/Password: /);
  await terminal.type("s3c\x1a");
  await terminal.waitFor(/Password: /);
  await terminal.type(`${ACCOUNT.password}\r`);
  await terminal.waitFor(/Login Succeeded![^]*status=0/);
  await terminal.status;
  assert.doesNotMatch(terminal.output, new RegExp(`${ACCOUNT.password}|s3c`));
  await assertRestored(world);
});

for (const signal of ["SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
  peerTest(["registry", "script"], `${signal} at a question gives the terminal back`, async () => {
    await using world = await startWorld();
    // The shell's number is that of the login which takes its place.
    const login = /; (\S+ login [^;]+); status/.exec(world.command)![1];
    const command = world.command.replace(login, () => `sh -c 'echo pid=$$; exec ${login}'`);
    await using terminal = openTerminal(command, world.env);
    const [, pid] = await terminal.waitFor(/pid=(\d+)/);
    await terminal.waitFor(/Username: /);
    Deno.kill(Number(pid), signal);
    await terminal.waitFor(/status=130/);
    await terminal.status;
    await assertRestored(world);
  });
}

peerTest("script", "SIGHUP that is ignored by whoever starts satchel, as nohup does, stays ignored", async () => {
  await using scratch = await scratchFolder();
  const hangup = Promise.withResolvers<void>();
  await using registry = await startHostileRegistry(makeGadget(), (_request, response) => {
    hangup.promise.then(() => reply(response, 404));
  });
  const pull = `${await binary()} image pull ${registry.host}/a/b --insecure-registries ${registry.host}`;
  const command = `trap '' HUP; sh -c 'echo pid=$$; exec ${pull}'; echo status=$?`;
  await using terminal = openTerminal(command, satchelEnvironment(scratch.at("store"), scratch.path));
  const [, pid] = await terminal.waitFor(/pid=(\d+)/);
  await terminal.waitFor(/Pulling /);
  Deno.kill(Number(pid), "SIGHUP");
  hangup.resolve();
  await terminal.waitFor(/status=3/);
  await terminal.status;
});

/** Bytes that a process has written so far. */
function written(pid: number): number {
  return Number(/^wchar: (\d+)$/m.exec(Deno.readTextFileSync(`/proc/${pid}/io`))![1]);
}

/** A program that has the terminal, reads nothing of it, and gives it back when a file is there. */
const HOLDER = `
  import { existsSync } from "node:fs";
  import process from "node:process";
  import { keepRawMode } from ${JSON.stringify(new URL("../../lib/terminal/raw_mode.ts", import.meta.url).href)};
  const raw = keepRawMode(() => {});
  process.stdin.setRawMode(true);
  console.log("holding");
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let n = 0; n < 2000 && !existsSync(process.argv[2]); n++) Atomics.wait(cell, 0, 0, 5);
  raw[Symbol.dispose]();
  process.stdin.setRawMode(false);
  process.exit(0);
`;

peerTest("script", "what was typed and not read when the terminal is given back does not go to the shell", async () => {
  await using scratch = await scratchFolder();
  const program = scratch.at("holder.ts");
  await Deno.writeTextFile(program, HOLDER);
  const hold = `${Deno.execPath()} run -A --no-check ${program} ${scratch.at("over")}`;
  // What is left is read as a shell would, until nothing comes for 0.5 s.
  const command = `echo script=$PPID; ${hold}; stty -icanon min 0 time 5; echo left=$(cat)=`;
  await using terminal = openTerminal(command, satchelEnvironment(scratch.at("store"), scratch.path));
  const [, script] = (await terminal.waitFor(/script=(\d+)/)).map(Number);
  await terminal.waitFor(/holding/);
  const before = written(script);
  // Far more than `script` may still have to write of what was shown.
  const typed = "s3cret".repeat(200);
  await terminal.type(typed);
  while (written(script) < before + typed.length) await new Promise((resolve) => setTimeout(resolve));
  await Deno.writeTextFile(scratch.at("over"), "");
  await terminal.waitFor(/left==/);
  await terminal.status;
});

peerTest(
  ["registry", "script"],
  "name and password that are pasted at once are taken, and the password is not shown",
  async () => {
    await using world = await startWorld();
    await using terminal = openTerminal(world.command, world.env);
    await terminal.waitFor(/Username: /);
    await terminal.type(`${ACCOUNT.username}\r${ACCOUNT.password}\r`);
    await terminal.waitFor(/Login Succeeded![^]*status=0/);
    await terminal.status;
    assert.ok(!terminal.output.includes(ACCOUNT.password), terminal.output);
  },
);

peerTest(
  ["registry", "script"],
  "an account that is refused is told of, its name is offered, and another password is asked",
  async () => {
    await using world = await startWorld();
    await writeAuthFile(world.file, { [world.registry.host]: { username: "joe", password: "old" } });
    await using terminal = openTerminal(world.command, world.env);
    await terminal.waitFor(/is refused[^]*Username \(joe\): /);
    await terminal.type("\r");
    await terminal.waitFor(/Password: /);
    await terminal.type(`${ACCOUNT.password}\r`);
    await terminal.waitFor(/Login Succeeded![^]*status=0/);
    await terminal.status;
  },
);

peerTest(["registry", "script"], "an empty password is a usage error", async () => {
  await using world = await startWorld();
  await using terminal = openTerminal(world.command, world.env);
  await terminal.waitFor(/Username: /);
  await terminal.type("joe\r");
  await terminal.waitFor(/Password: /);
  await terminal.type("\r");
  await terminal.waitFor(/the password is empty[^]*status=2/);
  await terminal.status;
});
