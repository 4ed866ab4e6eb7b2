import { strict as assert } from "node:assert";
import { clientHost, pullCommands } from "./commands.ts";
import { kindOf } from "./kind.ts";

function commands(kind: string, options: Partial<Parameters<typeof pullCommands>[0]> = {}): string[] {
  const base = { host: "registry.test:5000", isPlain: false, name: "ghcr.io/team/app", reference: "v1" };
  return pullCommands({ ...base, kind: kindOf(kind), ...options }).map(({ command }) => command);
}

Deno.test("what can pull an image depends on what it is", () => {
  assert.deepEqual(commands("application/vnd.gadget.v1+binary"), [
    "satchel image pull registry.test:5000/ghcr.io/team/app:v1",
    "sudo ig image pull registry.test:5000/ghcr.io/team/app:v1",
    "oras copy --recursive registry.test:5000/ghcr.io/team/app:v1 --to-oci-layout ./image:v1",
  ]);
  assert.deepEqual(commands("application/vnd.oci.image.config.v1+json").slice(2), [
    "podman pull registry.test:5000/ghcr.io/team/app:v1",
    "docker pull registry.test:5000/ghcr.io/team/app:v1",
  ]);
});

Deno.test("without TLS the programs are told so, and a digest is no tag", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  assert.deepEqual(commands("application/vnd.gadget.v1+binary", { isPlain: true, reference: digest }), [
    `satchel image pull --insecure-registries registry.test:5000 registry.test:5000/ghcr.io/team/app@${digest}`,
    `sudo ig image pull --insecure-registries registry.test:5000 registry.test:5000/ghcr.io/team/app@${digest}`,
    `oras copy --recursive --from-plain-http registry.test:5000/ghcr.io/team/app@${digest} --to-oci-layout ./image:latest`,
  ]);
});

Deno.test("a host is named as clients take it for one, and never as something that a shell acts on", () => {
  const hosts: [url: string, host: string | undefined][] = [
    ["http://127.0.0.1:5000/", "127.0.0.1:5000"],
    ["http://localhost/", "localhost"],
    ["https://registry.example.org/", "registry.example.org"],
    ["http://registry/", "registry:80"],
    ["https://registry/", "registry:443"],
    ["http://[::1]:5000/", "[::1]:5000"],
    ["http://$(reboot).evil.test/", undefined],
    ["http://a`reboot`.evil.test:5000/", undefined],
    ["http://a;reboot.evil.test/", undefined],
    ["http://a&b.evil.test/", undefined],
    ["http://-rf.evil.test/", undefined],
  ];
  for (const [url, host] of hosts) assert.equal(clientHost(new URL(url)), host, url);
  assert.match(commands("", { host: "[::1]:5000", isPlain: true })[0], /'\[::1\]:5000' '\[::1\]:5000\/ghcr/);
});
