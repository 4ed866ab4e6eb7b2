import { strict as assert } from "node:assert";
import {
  binary,
  describe,
  type Outcome,
  peer,
  peerTest,
  run,
  satchelEnvironment,
  scratchFolder,
} from "../harness/mod.ts";

/** How long the kernel takes for each fsync, in microseconds: time for others to write in between. */
const DELAY = 400_000;

const account = (user: string) => ({ auth: btoa(`${user}:p`) });

/** Logs out of r.io while another program, which knows no lock, replaces the file as often as satchel is about to, up to `times`. */
async function logOutAgainst(times: number): Promise<{ outcome: Outcome; auths: object; names: string[] }> {
  await using scratch = await scratchFolder();
  const folder = scratch.at("auth");
  await Deno.mkdir(folder);
  const file = `${folder}/config.json`;
  const write = (path: string, auths: object) => Deno.writeTextFile(path, JSON.stringify({ auths }), { mode: 0o600 });
  await write(file, { "r.io": account("joe") });
  const program = await binary();
  const inject = `inject=fsync:delay_enter=${DELAY}`;
  let isOver = false;
  const logout = run(
    peer("strace"),
    ["-f", "-qq", "-o", "/dev/null", "-e", inject, program, "logout", "r.io", "--authfile", file],
    { env: satchelEnvironment(scratch.at("store"), scratch.path) },
  ).finally(() => isOver = true);
  const seen = new Set<string>();
  while (!isOver) {
    const fresh = Array.from(Deno.readDirSync(folder), ({ name }) => name).find((name) =>
      name.endsWith(".tmp") && !seen.has(name)
    );
    if (fresh !== undefined && seen.size < times) {
      seen.add(fresh);
      await write(scratch.at("other"), { "r.io": account("joe"), [`other${seen.size}.io`]: account("ann") });
      await Deno.rename(scratch.at("other"), file);
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.equal(seen.size, times);
  const { auths } = JSON.parse(await Deno.readTextFile(file));
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
  return { outcome: await logout, auths, names };
}

peerTest("strace", "what another program writes while satchel does is not lost: it starts over", async () => {
  const { outcome, auths, names } = await logOutAgainst(2);
  assert.equal(outcome.code, 0, describe(outcome));
  assert.deepEqual(auths, { "other2.io": account("ann") });
  assert.deepEqual(names, ["config.json", "config.json.lock"]);
});

peerTest(
  "strace",
  "a file that another program changes again and again stays as that one has it, with an error",
  async () => {
    const { outcome, auths, names } = await logOutAgainst(5);
    assert.equal(outcome.code, 1, describe(outcome));
    assert.match(outcome.stderr, /another program changes the auth file \S+ again and again/);
    assert.deepEqual(auths, { "r.io": account("joe"), "other5.io": account("ann") });
    assert.deepEqual(names, ["config.json", "config.json.lock"]);
  },
);
