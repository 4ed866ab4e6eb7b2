import { strict as assert } from "node:assert";
import { hasCode } from "../../lib/error.ts";
import { type FlagValues } from "../line/flags.ts";
import { readServeOptions } from "./options.ts";

function options(flags: Record<string, boolean | string | string[]>) {
  return readServeOptions(new Map(Object.entries(flags)) as FlagValues);
}

function refuses(flags: Record<string, boolean | string | string[]>, text: RegExp): void {
  assert.throws(() => options(flags), (error) => hasCode(error, "usage") && text.test(error.message));
}

Deno.test("a server is for this host and read-only, and says no word about it", () => {
  const { listen, isWritable, htpasswd, warnings, idleSeconds } = options({});
  assert.deepEqual({ listen, isWritable, htpasswd, warnings, idleSeconds }, {
    listen: { hostname: "127.0.0.1", port: 5000 },
    isWritable: false,
    htpasswd: undefined,
    warnings: [],
    idleSeconds: 120,
  });
});

Deno.test("writable without accounts takes the flag that says it in so many words, and a warning", () => {
  refuses({ writable: true }, /lets everybody push and delete/);
  const { warnings } = options({ writable: true, "allow-anonymous-push": true });
  assert.deepEqual(warnings, ["Everybody on this host can push and delete without an account"]);
});

Deno.test("beyond loopback without accounts takes the same flag, and a warning", () => {
  refuses({ listen: "0.0.0.0:5000" }, /other hosts can reach 0\.0\.0\.0:5000/);
  refuses({ listen: "[::]:5000" }, /other hosts can reach \[::\]:5000/);
  const { warnings } = options({ listen: ":5000", "allow-anonymous-push": true });
  assert.deepEqual(warnings, ["Everybody who reaches 0.0.0.0:5000 can read all of it without an account"]);
});

Deno.test("accounts beyond loopback want TLS: without it there is a warning", () => {
  const accounts = { listen: "0.0.0.0:5000", writable: true, htpasswd: "users" };
  assert.match(options(accounts).warnings.join(), /^Passwords can be read on their way/);
  assert.deepEqual(options({ ...accounts, "tls-cert": "c", "tls-key": "k" }).warnings, []);
});

Deno.test("flags that contradict each other are wrong usage", () => {
  refuses({ archive: ["a.tar"], writable: true, "allow-anonymous-push": true }, /exclude each other/);
  refuses({ htpasswd: "users", "allow-anonymous-push": true }, /exclude each other/);
  refuses({ "anonymous-pull": true }, /exception from --htpasswd/);
  refuses({ "tls-cert": "c" }, /belong together/);
  refuses({ "tls-key": "k" }, /belong together/);
  refuses({ "idle-timeout": "5m" }, /from 1s to 255s/);
  refuses({ "idle-timeout": "0" }, /from 1s to 255s/);
  refuses({ "max-upload": "much", htpasswd: "users", writable: true }, /"--max-upload"/);
  refuses({ "max-upload": "1GB" }, /--max-upload is about what is pushed/);
  refuses({ archive: [""] }, /needs a path/);
});

Deno.test("on loopback, where reading takes no account, only the names of loopback count and those that are given", () => {
  assert.deepEqual(options({}).hosts, []);
  assert.deepEqual(options({ "allow-host": ["Registry.site.example"] }).hosts, ["registry.site.example"]);
  assert.deepEqual(options({ htpasswd: "users", "anonymous-pull": true, writable: true }).hosts, []);
  assert.equal(options({ htpasswd: "users" }).hosts, undefined);
  assert.equal(options({ listen: ":5000", "allow-anonymous-push": true }).hosts, undefined);
  const names = ["registry_1", "registry.site.example.", "[FD00:0:0::1]"];
  assert.deepEqual(options({ "allow-host": names }).hosts, ["registry_1", "registry.site.example", "[fd00::1]"]);
  for (const name of ["registry.site.example:5000", "[::1]:80", "[1::2::3]", "1.2.3.4.5", "http://a", "*", ""]) {
    refuses({ "allow-host": [name] }, /a name or an address without a port/);
  }
});

Deno.test("metrics that others can read are warned of", () => {
  assert.match(options({ "admin-listen": ":9000" }).warnings.join(), /can read the metrics/);
  assert.deepEqual(options({ "admin-listen": "127.0.0.1:9000" }).warnings, []);
});

Deno.test("a registry to stand in for is one, whatever its case", () => {
  const { mirrorOf } = options({
    "mirror-of": ["GHCR.io", "index.docker.io", "registry.example:5000", "localhost:5000"],
  });
  assert.deepEqual(mirrorOf, ["ghcr.io", "docker.io", "registry.example:5000", "localhost:5000"]);
  for (const text of ["http://ghcr.io", "ghcr.io/", "", "ghcr.io/inspektor-gadget", "ghcr", "*.io", "ghcr.io "]) {
    refuses({ "mirror-of": [text] }, /for "--mirror-of" flag/);
  }
});

Deno.test("accounts that nobody needs are warned of", () => {
  const flags = { htpasswd: "users", "anonymous-pull": true };
  assert.deepEqual(options({ ...flags, listen: ":5000" }).warnings, [
    "Everybody who reaches 0.0.0.0:5000 can read all of it, and nothing can be pushed: the accounts are of no use",
  ]);
  assert.match(options(flags).warnings.join(), /^Everybody on this host can read .* of no use$/);
  assert.deepEqual(options({ ...flags, writable: true }).warnings, []);
});

Deno.test("two listeners need two addresses", () => {
  refuses({ listen: "127.0.0.1:5000", "admin-listen": "127.0.0.1:5000" }, /two addresses/);
  options({ listen: "127.0.0.1:0", "admin-listen": "127.0.0.1:0" });
  options({ listen: "127.0.0.1:5000", "admin-listen": "127.0.0.2:5000" });
});
