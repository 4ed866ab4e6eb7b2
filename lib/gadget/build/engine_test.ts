import assert from "node:assert/strict";
import { hasCode, SatchelError } from "../../error.ts";
import { scratchFolder } from "../../../tests/harness/mod.ts";
import { bindMountArguments } from "./bind_mount.ts";
import { engineTraits, findEngine } from "./engine.ts";
import { engineFailure } from "./engine_error.ts";

const DOCKER = { kind: "docker", isRootless: false, remapsUsers: false, hasSelinux: false } as const;
const PODMAN = { ...DOCKER, kind: "podman" } as const;

Deno.test("what engines say of themselves", () => {
  const docker = (options: unknown) => engineTraits(JSON.stringify({ ID: "x", SecurityOptions: options }));
  assert.deepEqual(docker(["name=seccomp,profile=builtin", "name=cgroupns"]), DOCKER);
  assert.deepEqual(docker(null), DOCKER);
  assert.deepEqual(docker(["name=rootless", "name=selinux"]), { ...DOCKER, isRootless: true, hasSelinux: true });
  assert.deepEqual(docker(["name=userns"]), { ...DOCKER, remapsUsers: true });
  const podman = (security: unknown) => engineTraits(JSON.stringify({ host: { security } }));
  assert.deepEqual(podman({ rootless: true, selinuxEnabled: true }), { ...PODMAN, isRootless: true, hasSelinux: true });
  assert.deepEqual(podman({ rootless: false, selinuxEnabled: false }), PODMAN);
  for (const odd of ["", "{", "[]", "null", "5", '{"host":{}}', '{"host":[]}']) {
    assert.equal(engineTraits(odd), undefined);
  }
});

Deno.test("folders are given to containers whatever their names are, where the engine has a way to write that", () => {
  const [docker, podman] = (["docker", "podman"] as const).map((kind) => (source: string, readOnly?: boolean) =>
    bindMountArguments(kind, { source, target: "/work", ...(readOnly && { readOnly }) })
  );
  assert.deepEqual(docker("/a b", true), ["--mount", "type=bind,source=/a b,target=/work,readonly"]);
  assert.deepEqual(docker('/a,"b":c'), ["--mount", 'type=bind,"source=/a,""b"":c",target=/work']);
  assert.deepEqual(podman("/a:b"), ["--mount", "type=bind,source=/a:b,target=/work"]);
  assert.deepEqual(podman("/a,b", true), ["--volume", "/a,b:/work:ro"]);
  assert.throws(
    () => podman("/a,b:c"),
    (error) => hasCode(error, "usage") && /a colon as well as a comma/.test(error.message),
  );
  assert.throws(() => docker("/a\nb"), /control character/);
});

Deno.test("an engine's words become an error that says what to do", () => {
  const failure = (text: string) =>
    engineFailure("docker", "does not answer", {
      status: 1,
      stdout: new Uint8Array(),
      stderr: new TextEncoder().encode(text),
    });
  const told = (text: string) => {
    const { code, remedy } = failure(text);
    return [code, remedy?.kind];
  };
  const socket = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock";
  assert.deepEqual(told(socket), ["denied", "local-build"]);
  assert.deepEqual(told("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"), [
    "program",
    "local-build",
  ]);
  assert.deepEqual(told("Error: Cannot connect to Podman socket: connection refused"), ["program", "local-build"]);
  assert.deepEqual(told("reading manifest v1 in ghcr.io/a/b: manifest unknown"), ["not-found", "builder-image"]);
  assert.deepEqual(told("reading manifest v1 in ghcr.io/a/b: denied: requested access is denied"), [
    "denied",
    "builder-image",
  ]);
  assert.deepEqual(told("pinging container registry x: dial tcp: lookup x: no such host"), [
    "network",
    "builder-image",
  ]);
  assert.deepEqual(told("something else"), ["program", undefined]);
  assert.equal(
    failure("Emulate Docker CLI using podman.\nTrying to pull a/b...\nError: it\x1b[31m broke\n").message,
    "docker does not answer: it\\x1b[31m broke",
  );
  assert.equal(failure("").message, "docker does not answer: it ended with status 1");
  assert.ok(failure("x".repeat(10_000)).message.length < 1000);
});

/** Engines that are scripts: what they do for `info`. */
async function find(scripts: Record<string, string>, name?: "docker" | "podman"): Promise<string> {
  await using scratch = await scratchFolder();
  for (const [name, script] of Object.entries(scripts)) {
    await Deno.writeTextFile(scratch.at(name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  try {
    const engine = await findEngine(name, { PATH: `relative:${scratch.path}` }, AbortSignal.timeout(60_000));
    return `${engine.name} ${engine.kind}`;
  } catch (error) {
    if (error instanceof SatchelError) return `${error.code}: ${error.message.replaceAll(scratch.path, "")}`;
    throw error;
  }
}

const IS_DOCKER = `echo '{"SecurityOptions":null}'`;
const IS_PODMAN = `echo '{"host":{"security":{"rootless":true}}}'`;
const HAS_NO_DAEMON = "echo 'Cannot connect to the Docker daemon at x. Is the docker daemon running?' >&2; exit 1";

Deno.test("Docker is taken if both are there, and Podman if Docker has no daemon", async () => {
  assert.equal(await find({ docker: IS_DOCKER, podman: IS_PODMAN }), "docker docker");
  assert.equal(await find({ podman: IS_PODMAN }), "podman podman");
  assert.equal(await find({ docker: HAS_NO_DAEMON, podman: IS_PODMAN }), "podman podman");
  assert.equal(await find({ docker: IS_DOCKER, podman: IS_PODMAN }, "podman"), "podman podman");
  // Debian's package podman-docker.
  assert.equal(await find({ docker: IS_PODMAN }), "docker podman");
});

Deno.test("an engine that is named is not replaced by another one", async () => {
  assert.match(
    await find({ docker: HAS_NO_DAEMON, podman: IS_PODMAN }, "docker"),
    /^program: docker does not answer: Cannot/,
  );
  assert.match(
    await find({ docker: IS_DOCKER }, "podman"),
    /^program: no container engine: there is no podman on PATH$/,
  );
});

Deno.test("without any engine, or without one that answers, it is told what is the matter with each", async () => {
  assert.match(await find({}), /^program: no container engine: there is no docker or podman on PATH$/);
  assert.match(
    await find({ docker: HAS_NO_DAEMON, podman: "echo 'no subuid ranges' >&2; exit 125" }),
    /^program: docker does not answer: .*; and podman does not answer: no subuid ranges$/,
  );
  assert.match(await find({ docker: "echo hello" }), /docker does not say what it is/);
});
