import { strict as assert } from "node:assert";
import { join } from "node:path";
import {
  binary,
  makeGadget,
  type Outcome,
  peerTest,
  pushImage,
  RUNTIMES,
  satchel,
  satchelEnvironment,
  type Scratch,
  scratchFolder,
  startRegistry,
  startTokenService,
  type TokenService,
} from "../harness/mod.ts";
import { openTerminal } from "./cli_terminal.ts";
import { reply, startHostileRegistry } from "./hostile_registry.ts";

/** Words that are found wherever they go. */
const JOE = { username: "joe", password: "hunter2hunter2" };

/** The password as it is and in the forms that it takes on its way. */
const FORMS = [
  JOE.password,
  btoa(JOE.password).replace(/=+$/, ""),
  btoa(`${JOE.username}:${JOE.password}`),
  "aHVudGVyM",
];

function assertSecretFree(text: string, where: string): void {
  for (const form of FORMS) assert.ok(!text.includes(form), `${where} has the password:\n${text.slice(0, 2000)}`);
}

/** Every regular file below a folder. */
function* filesBelow(folder: string): Generator<string> {
  for (const { name, isDirectory, isFile } of Deno.readDirSync(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* filesBelow(path);
    if (isFile) yield path;
  }
}

function readBinary(path: string): string {
  return new TextDecoder("latin1").decode(Deno.readFileSync(path));
}

/** Looks at the arguments of every process for as long as some work takes. */
async function watchingProcesses<T>(work: () => Promise<T>): Promise<T> {
  let isDone = false;
  const seen = new Set<string>();
  const watch = (async () => {
    while (!isDone) {
      for (const { name } of Deno.readDirSync("/proc")) if (/^\d+$/.test(name)) seen.add(argumentsOf(name));
      await new Promise((resolve) => setTimeout(resolve));
    }
  })();
  try {
    return await work();
  } finally {
    isDone = true;
    await watch;
    assert.ok([...seen].some((line) => line.includes("\0login\0")), "no login was seen");
    seen.forEach((line) => assertSecretFree(line, "the process list"));
  }
}

function argumentsOf(pid: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`);
  } catch {
    return ""; // it has ended
  }
}

/** A helper that keeps one account in a file that the test knows. */
async function writeHelper(scratch: Scratch): Promise<Record<string, string>> {
  const script = `#!/bin/sh
case $1 in
  store) cat > ${scratch.at("kept")} ;;
  get) cat ${scratch.at("kept")} 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
esac
`;
  await Deno.mkdir(scratch.at("bin"));
  await Deno.writeTextFile(scratch.at("bin", "docker-credential-test"), script, { mode: 0o755 });
  return { PATH: `${scratch.at("bin")}:${Deno.env.get("PATH")}` };
}

for (const way of ["stdin", "prompt", "helper"] as const) {
  peerTest(["registry", "script"], `a password that came by ${way} is where it was put and nowhere else`, async () => {
    await using scratch = await scratchFolder();
    await using service: TokenService = await startTokenService({
      accounts: { joe: { password: JOE.password, actions: ["pull", "push"] } },
    });
    await using registry = await startRegistry({ token: service });
    const { host } = registry;
    const access = [{ type: "repository", name: "demo/gadget", actions: ["pull", "push"] }];
    const authorization = `Bearer ${await service.sign("joe", access)}`;
    await pushImage(registry, "demo/gadget", "latest", makeGadget(), { authorization });
    const home = scratch.at("home");
    await Deno.mkdir(home);
    const file = scratch.at("home", "auth.json");
    await Deno.writeTextFile(file, way === "helper" ? '{"credsStore":"test"}' : "{}", { mode: 0o600 });
    const env = await writeHelper(scratch);
    const options = { home, store: scratch.at("store"), env };
    const outputs: string[] = [];
    const call = async (args: string[], stdin?: string): Promise<Outcome> => {
      const outcome = await satchel([...args, "--authfile", file, "--debug"], { ...options, ...(stdin && { stdin }) });
      outputs.push(outcome.stdout, outcome.stderr);
      return outcome;
    };
    const login = ["login", host, "--plain-http", "--verbose"];

    await watchingProcesses(async () => {
      if (way === "prompt") {
        const command = `${await binary()} ${login.join(" ")} --authfile ${file} --debug`;
        await using terminal = openTerminal(command, { ...satchelEnvironment(options.store, home), ...env });
        await terminal.waitFor(/Username: /);
        await terminal.type("joe\r");
        await terminal.waitFor(/Password: /);
        await terminal.type(`${JOE.password}\r`);
        assert.equal(await terminal.status, 0, terminal.output);
        outputs.push(terminal.output);
      } else {
        const outcome = await call([...login, "-u", "joe", "--password-stdin"], `${JOE.password}\n`);
        assert.equal(outcome.code, 0, outcome.stderr);
      }
      const pull = ["image", "pull", "--insecure-registries", host];
      const good = await call([...pull, `${host}/demo/gadget`]);
      assert.equal(good.code, 0, good.stderr);
      assert.match(good.stderr, /Debug: GET .*\/token/);
      assert.notEqual((await call([...pull, `${host}/demo/other`])).code, 0);
      assert.equal((await call(["login", host, "--explain"])).code, 0);
      assert.equal((await call(["login", host, "--get-login"])).code, 0);
      await call(["login", "127.0.0.1:1", "-u", "joe", "--password-stdin"], `${JOE.password}\n`);
    });

    outputs.forEach((output) => assertSecretFree(output, "the output"));
    assertSecretFree(registry.requests().join("\n"), "a request's address");
    const holder = way === "helper" ? scratch.at("kept") : file;
    const files = [...filesBelow(scratch.path)];
    assert.ok(files.includes(holder) && files.length > 5);
    const holding = files.filter((path) => FORMS.some((form) => readBinary(path).includes(form)));
    assert.deepEqual(holding, [holder]);
    assert.equal(Deno.statSync(file).mode! & 0o777, 0o600);
  });
}

Deno.test("an auth file that is broken is told of by the place where it breaks, without what stands there", async () => {
  await using scratch = await scratchFolder();
  const file = scratch.at("auth.json");
  const texts = [
    JOE.password,
    `{"auths": {"r.io": {"username": "joe", "password": ${JOE.password}}}}`,
    `{"auths": {"r.io": {"username": "joe", "password": "${JOE.password}`,
    `{"auths": {"r.io": {"auth": "${btoa(JOE.password)}"}}}`,
    `{"auths": {"r.io": "${JOE.password}"}}`,
  ];
  for (const text of texts) {
    await Deno.writeTextFile(file, text, { mode: 0o600 });
    const options = { store: scratch.at("store"), home: scratch.path };
    for (const args of [["login", "r.io", "--get-login"], ["logout", "r.io"], ["image", "pull", "127.0.0.1:1/a/b"]]) {
      const { stdout, stderr } = await satchel([...args, "--authfile", file, "--debug"], options);
      assertSecretFree(stdout + stderr, args.join(" "));
    }
  }
});

for (const [name, runSatchel] of Object.entries(RUNTIMES)) {
  Deno.test(`a registry that redirects to an address with the password in it does not get it into what ${name} prints`, async () => {
    await using scratch = await scratchFolder();
    const basic = btoa(`${JOE.username}:${JOE.password}`);
    for (const [form, end] of [[JOE.password, "gone"], [basic, "gone"], [JOE.password, "broken"]]) {
      await using registry = await startHostileRegistry(makeGadget(), (request, response, { pathname }) => {
        if (request.headers.authorization === undefined) {
          return reply(response, 401, { "www-authenticate": "Basic" });
        }
        if (!pathname.includes("/hop/")) return reply(response, 307, { location: `/v2/hop/${form}` });
        if (end === "gone") return reply(response, 404);
        response.destroy();
      });
      const { host } = registry;
      const file = scratch.at("auth.json");
      const auth = btoa(`${JOE.username}:${JOE.password}`);
      await Deno.writeTextFile(file, JSON.stringify({ auths: { [host]: { auth } } }), { mode: 0o600 });
      const options = { store: scratch.at("store"), home: scratch.path, stdin: JOE.password };
      const login = ["login", host, "--plain-http", "-u", JOE.username, "--password-stdin"];
      const pull = ["image", "pull", `${host}/demo/gadget`, "--insecure-registries", host];
      for (const args of [login, pull]) {
        const { code, stdout, stderr } = await runSatchel([...args, "--authfile", file, "--debug"], options);
        assert.notEqual(code, 0);
        assert.match(stderr, /Debug: GET http:\S+\/v2\/hop\/\*\*\* /);
        assertSecretFree(stdout + stderr, args.join(" "));
      }
      assert.ok(registry.received.some(({ url }) => url === `/v2/hop/${form}`));
    }
  });
}
