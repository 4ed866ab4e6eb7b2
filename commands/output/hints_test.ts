import assert from "node:assert/strict";
import type { Obstacle, ObstacleReason, Remedy } from "../../lib/error.ts";
import { allCommands, flagsOf } from "../line/parse.ts";
import { commandTree } from "../tree.ts";
import { obstacleHint, remedyHint } from "./hints.ts";

const REASONS: Record<ObstacleReason, true> = {
  "plain-http": true,
  "tls-expected": true,
  "unknown-authority": true,
  "wrong-host-name": true,
  "expired-certificate": true,
  "client-certificate-missing": true,
  "client-certificate-refused": true,
  "proxy-by-tls": true,
  "account-missing": true,
  "account-refused": true,
};

const ROLES: readonly Obstacle["role"][] = ["registry", "mirror", "other"];

const root = commandTree("satchel");

function hint(reason: ObstacleReason, role: Obstacle["role"], flags: Iterable<string>): string {
  return obstacleHint({ reason, role, host: "r.example" }, new Set(flags), "satchel") ?? "";
}

function flagsInText(text: string): string[] {
  return [...text.matchAll(/--([a-z-]+)/g)].map(([, name]) => name);
}

Deno.test("no hint names a flag that the command has not, and none a flag for what is not the registry", () => {
  for (const command of allCommands(root)) {
    const flags = flagsOf([root, command]).map(({ name }) => name);
    for (const reason of Object.keys(REASONS) as ObstacleReason[]) {
      const named = flagsInText(hint(reason, "registry", flags));
      assert.deepEqual(named.filter((name) => !flags.includes(name)), [], `${command.name}: ${reason}`);
      for (const role of ROLES.filter((role) => role !== "registry")) {
        assert.deepEqual(flagsInText(hint(reason, role, flags)), [], `${command.name}: ${reason} at a ${role}`);
      }
    }
  }
});

const REMEDIES: readonly Remedy[] = [
  { kind: "other-store" },
  { kind: "clean-store" },
  { kind: "small-volumes" },
  { kind: "larger-volumes", bytes: 1002 },
  { kind: "repository" },
  { kind: "name", digest: "sha256:abc" },
  { kind: "rename", from: "foo:v1" },
  { kind: "rename-each", from: "sha256:abc" },
];

Deno.test("no remedy is told by a flag that the command has not", () => {
  for (const command of allCommands(root)) {
    const flags = new Set(flagsOf([root, command]).map(({ name }) => name));
    for (const remedy of REMEDIES) {
      const named = flagsInText(remedyHint(remedy, flags, "satchel") ?? "");
      assert.deepEqual(named.filter((name) => !flags.has(name)), [], `${command.name}: ${remedy.kind}`);
    }
  }
});

Deno.test("how to name an image is told by the flags of the import", () => {
  const flags = new Set(["name", "tag"]);
  assert.match(remedyHint({ kind: "name", digest: "sha256:abc" }, flags, "ig") ?? "", /--tag sha256:abc=REPO/);
  assert.match(remedyHint({ kind: "repository" }, flags, "ig") ?? "", /--name REPO/);
});

Deno.test("plain HTTP and TLS are switched by the flag that the command has", () => {
  const text = (reason: ObstacleReason, flag: string) => hint(reason, "registry", [flag]);
  assert.equal(
    text("plain-http", "insecure-registries"),
    "If r.example is meant to speak plain HTTP: --insecure-registries r.example",
  );
  assert.equal(text("plain-http", "plain-http"), "If r.example is meant to speak plain HTTP: --plain-http");
  assert.match(text("tls-expected", "insecure-registries"), /^If r\.example speaks TLS, .*: --insecure-registries, /);
  assert.match(text("tls-expected", "plain-http"), /^If r\.example speaks TLS, .*: --plain-http, /);
});

Deno.test("a mirror's scheme is changed where it is named", () => {
  assert.match(hint("plain-http", "mirror", []), /write http:\/\/r\.example for this mirror in the configuration/);
  assert.match(hint("tls-expected", "mirror", []), /write https:\/\/r\.example for this mirror in the configuration/);
});

Deno.test("the hint to log in is a line that works: by the name of the program, and over plain HTTP where that is spoken", () => {
  for (const reason of ["account-missing", "account-refused"] as const) {
    const obstacle: Obstacle = { reason, role: "registry", host: "r.example" };
    assert.match(obstacleHint(obstacle, new Set(), "ig") ?? "", /: ig login r\.example$/);
    assert.match(
      obstacleHint({ ...obstacle, byPlainHttp: true }, new Set(), "satchel") ?? "",
      /: satchel login r\.example --plain-http$/,
    );
  }
});
