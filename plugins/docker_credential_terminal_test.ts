import { strict as assert } from "node:assert";
import { join } from "node:path";
import { binary, peerTest, ROOT, satchelEnvironment, scratchFolder } from "../tests/harness/mod.ts";
import { openTerminal, type Terminal } from "../tests/e2e/cli_terminal.ts";

/** A helper that asks for a PIN at the terminal, as those of smart cards and of `pass` do. */
const HELPER = `#!/bin/sh
cat >/dev/null
printf 'PIN: ' >/dev/tty
read -r pin </dev/tty
printf '{"ServerURL":"","Username":"pin-%s","Secret":"s"}' "$pin"
`;

async function withHelper(program: string | undefined, use: (terminal: Terminal) => Promise<void>): Promise<void> {
  await using scratch = await scratchFolder();
  await Deno.mkdir(scratch.at("bin"), { mode: 0o755 });
  await Deno.writeTextFile(scratch.at("bin/docker-credential-fake"), HELPER);
  await Deno.chmod(scratch.at("bin/docker-credential-fake"), 0o755);
  await Deno.writeTextFile(scratch.at("auth.json"), `{"credsStore":"fake"}`, { mode: 0o600 });
  const login = `${program ?? await binary()} login --get-login ghcr.io --authfile ${scratch.at("auth.json")}`;
  await using terminal = openTerminal(`${login}; echo status=$?`, {
    ...satchelEnvironment(scratch.at("store"), scratch.path),
    DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
    PATH: `${scratch.at("bin")}:${Deno.env.get("PATH")}`,
  });
  await use(terminal);
}

const BY_DENO = `${Deno.execPath()} run -A --no-prompt --no-check ${join(ROOT, "main.ts")}`;

for (const [runtime, program] of [["the binary", undefined], ["the sources under Deno", BY_DENO]] as const) {
  peerTest(
    ["script"],
    `a credential helper of ${runtime} asks for a PIN at the terminal, as under docker`,
    async () => {
      await withHelper(program, async (terminal) => {
        await terminal.waitFor(/PIN: /);
        await terminal.type("1234\r");
        await terminal.waitFor(/pin-1234\s+status=0/);
        assert.equal(await terminal.status, 0);
      });
    },
  );

  peerTest(["script"], `Ctrl-C at the question of a credential helper of ${runtime} is exit 130`, async () => {
    await withHelper(program, async (terminal) => {
      await terminal.waitFor(/PIN: /);
      await terminal.type("\x03");
      await terminal.waitFor(/Error: Interrupted/);
      assert.equal(await terminal.status, 130);
    });
  });
}
