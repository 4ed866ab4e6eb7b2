import { strict as assert } from "node:assert";
import { join } from "node:path";
import {
  binary,
  capabilityTest,
  describe,
  openPodman,
  type Outcome,
  peer,
  type Podman,
  run,
  satchel,
  satchelEnvironment,
  type Scratch,
  scratchFolder,
  startInBackground,
  startPodmanService,
  startServedRegistry,
  succeed,
} from "../harness/mod.ts";
import { copyGadget, writeFolder } from "./build_gadgets.ts";
import { GADGETS } from "./built_gadgets.ts";

// Gadgets built in containers by the real Podman, and what engines that are none say.

const NEEDS = ["root", "podman", "runc", "clang", "llvm-strip", "bpftool", "xz", "bpf-headers"] as const;
const EPOCH = { SOURCE_DATE_EPOCH: "1700000000" };

interface World extends AsyncDisposable {
  scratch: Scratch;
  podman: Podman;
  /** The environment of satchel, in which Podman is the only engine. */
  env: Record<string, string>;
  build(folder: string, ...flags: string[]): Promise<Outcome>;
  buildWith(env: Record<string, string>, folder: string, ...flags: string[]): Promise<Outcome>;
}

async function startWorld(): Promise<World> {
  const podman = await openPodman();
  const scratch = await scratchFolder();
  const bin = writeFolder(scratch.at("bin"), {});
  await Deno.symlink(podman.program, join(bin, "podman"));
  const { HOME: _, ...settings } = podman.env;
  const env = { ...settings, ...EPOCH, PATH: `${bin}:/usr/bin:/bin:/usr/sbin:/sbin` };
  const buildWith: World["buildWith"] = (more, folder, ...flags) => {
    const image = flags.includes("--builder-image") ? [] : ["--builder-image", podman.builderImage];
    const pull = flags.includes("--builder-image-pull") ? [] : ["--builder-image-pull", "never"];
    const args = ["image", "build", ...(flags.includes("--local") ? [] : [...image, ...pull]), ...flags, folder];
    return satchel(args, { env: { ...env, ...more }, store: scratch.at("store"), timeout: 120_000 });
  };
  return {
    scratch,
    podman,
    env,
    buildWith,
    build: (folder, ...flags) => buildWith({}, folder, ...flags),
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  };
}

/** What a build has printed. */
function builtDigest(outcome: Outcome): string {
  assert.equal(outcome.code, 0, describe(outcome));
  return outcome.stdout.trim();
}

/** Waits until no container is left. */
async function assertAllGone(podman: Podman): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const left = await podman.containers();
    if (left.length === 0) return;
    assert.ok(Date.now() < deadline, `still there: ${left}`);
  }
}

capabilityTest(NEEDS, "what a container builds does not depend on where the source lies", async () => {
  await using world = await startWorld();
  const { scratch } = world;
  const [here, there] = ["here", "there/is it, then"].map((to) => copyGadget(scratch, "trace-ringbuf", to));
  const digest = builtDigest(await world.build(here, "-o", writeFolder(scratch.at("out"), {})));
  assert.equal(builtDigest(await world.build(there)), digest);
  // The same compiler: these are the packages of this machine.
  const reproducible = builtDigest(await world.build(here, "--reproducible"));
  assert.equal(builtDigest(await world.build(there, "--local", "--reproducible")), reproducible);
  const object = await Deno.readTextFile(scratch.at("out/amd64.bpf.o"));
  assert.ok(object.includes("/work/program.bpf.c") && !object.includes(scratch.path));
  assert.deepEqual(await world.podman.containers(), []);
});

capabilityTest(
  NEEDS,
  "BTFs for old kernels are the same from a container as from this host's own programs",
  async () => {
    await using world = await startWorld();
    const { scratch } = world;
    const archive = writeFolder(scratch.at("btfhub"), {});
    for (const architecture of ["x86_64", "arm64"]) {
      const folder = writeFolder(join(archive, "debian/12", architecture), {});
      await Deno.copyFile("/sys/kernel/btf/vmlinux", scratch.at("6.1.0.btf"));
      const packed = join(folder, "6.1.0.btf.tar.xz");
      await succeed("tar", ["-c", "-I", "xz -0", "-f", packed, "-C", scratch.path, "6.1.0.btf"]);
    }
    const flags = ["--btfgen", "--btfhub-archive", archive, "-o", writeFolder(scratch.at("out"), {})];
    const folder = join(GADGETS, "list-tasks");
    builtDigest(await world.build(folder, ...flags));
    const layer = await Deno.readFile(scratch.at("out/btfs-x86_64.tar.gz"));
    assert.equal(await succeed("tar", ["-tzf", scratch.at("out/btfs-x86_64.tar.gz")]), "./\n./6.1.0.btf\n");
    builtDigest(await world.build(folder, ...flags, "--local"));
    assert.deepEqual(await Deno.readFile(scratch.at("out/btfs-x86_64.tar.gz")), layer);
    assert.deepEqual(Array.from(Deno.readDirSync(scratch.at("out")), ({ name }) => name).sort(), [
      "amd64.bpf.o",
      "arm64.bpf.o",
      "btfs-arm64.tar.gz",
      "btfs-x86_64.tar.gz",
    ]);
  },
);

capabilityTest(
  [...NEEDS, "setpriv"],
  "steps run as the user who builds, also if the engine is root's",
  async () => {
    await using world = await startWorld();
    const { scratch, env, podman } = world;
    await Deno.chmod(scratch.path, 0o755);
    await using service = await startPodmanService(podman, scratch.path);
    // What only this user may read, and in a folder that is the image's.
    const { folder, env: compiler } = scripted(
      scratch,
      'umask 077; id -u; id -g; echo "$HOME"; touch "$HOME/cache"; exec clang "$@"',
    );
    const [out, store] = ["out", "store"].map((name) => writeFolder(scratch.at(name), {}));
    for (const path of [out, store]) await Deno.chown(path, 65534, 65534);
    const flags = ["--builder-image", podman.builderImage, "--builder-image-pull", "never", "-o", out];
    const rights = ["--reuid=65534", "--regid=65534", "--clear-groups", await binary()];
    const outcome = await run(peer("setpriv"), [...rights, "image", "build", ...flags, folder], {
      env: {
        ...satchelEnvironment(store, scratch.path),
        ...compiler,
        PATH: env.PATH,
        CONTAINER_HOST: service.address,
      },
      cwd: scratch.path,
    });
    assert.equal(outcome.code, 0, describe(outcome));
    assert.deepEqual(outcome.stderr.split("\n").slice(0, 3), ["65534", "65534", "/tmp"]);
    const files = Array.from(Deno.readDirSync(out), ({ name }) => name).sort();
    assert.deepEqual(files, ["amd64.bpf.o", "arm64.bpf.o"]);
    assert.deepEqual(files.map((name) => Deno.statSync(join(out, name)).uid), [65534, 65534]);
    assert.deepEqual(await podman.containers(), []);
  },
);

/** A gadget whose compiler is a script of its own. */
function scripted(scratch: Scratch, script: string): { folder: string; env: Record<string, string> } {
  const folder = writeFolder(scratch.at("scripted"), { "program.bpf.c": "int number = 1;", "cc.sh": script });
  return { folder, env: { CLANG: "sh /work/cc.sh" } };
}

capabilityTest(
  NEEDS,
  "a container gets nothing of the environment, and a step that fails shows what it said",
  async () => {
    await using world = await startWorld();
    const { folder, env } = scripted(world.scratch, "env; pwd; id -u; exit 7");
    const { code, stderr } = await world.buildWith({ ...env, HTTP_PROXY: "http://leak:1", LEAK: "leak" }, folder);
    assert.equal(code, 1);
    assert.match(stderr, /^HOME=\/root$/m);
    assert.match(stderr, /^\/work$/m);
    assert.doesNotMatch(stderr.replaceAll(/^Error.*/gm, ""), /leak/i);
    assert.match(stderr, /clang compile for a\w+ failed with status 7: sh \/work\/cc\.sh /);
    assert.deepEqual(await world.podman.containers(), []);
  },
);

for (
  const [signal, status] of [["SIGINT", 130], ["SIGTERM", 130], ["SIGKILL", undefined]] as const
) {
  capabilityTest(NEEDS, `no container is left when ${signal} ends satchel while a step runs`, async () => {
    await using world = await startWorld();
    const { scratch, podman } = world;
    // Whoever reads the FIFO knows that the step runs.
    const { folder, env } = scripted(scratch, "echo > /work/fifo; exec sleep 600");
    await succeed("mkfifo", [join(folder, "fifo")]);
    const flags = ["--builder-image", podman.builderImage, "--builder-image-pull", "never"];
    await using building = await startInBackground(await binary(), ["image", "build", "--verbose", ...flags, folder], {
      env: { ...satchelEnvironment(scratch.at("store"), scratch.path), ...world.env, ...env },
      ready: (line) => line.includes("cc.sh") || undefined,
      timeout: 60_000,
    });
    await Deno.readTextFile(join(folder, "fifo"));
    assert.equal((await podman.containers()).length, 1);
    building.kill(signal);
    const { code } = await building.status;
    if (status !== undefined) {
      assert.equal(code, status, building.lines.join("\n"));
      assert.deepEqual(await podman.containers(), []);
    }
    await assertAllGone(podman);
  });
}

capabilityTest(NEEDS, "no container is left when Ctrl-C comes before the engine has made it", async () => {
  await using world = await startWorld();
  const { scratch, podman } = world;
  await Deno.remove(scratch.at("bin/podman"));
  await succeed("mkfifo", [scratch.at("started"), scratch.at("go")]);
  const wait = `if [ "$1" = run ]; then echo $PPID > ${scratch.at("started")}; read -r _ < ${scratch.at("go")}; fi`;
  await Deno.writeTextFile(scratch.at("bin/podman"), `#!/bin/sh\n${wait}\nexec ${podman.program} "$@"\n`, {
    mode: 0o755,
  });
  const folder = copyGadget(scratch, "params");
  const building = world.build(folder);
  const satchelsPid = Number(await Deno.readTextFile(scratch.at("started")));
  Deno.kill(satchelsPid, "SIGINT");
  await Deno.writeTextFile(scratch.at("go"), "\n");
  const { code, stderr } = await building;
  assert.equal(code, 130, stderr);
  assert.deepEqual(await podman.containers(), []);
});

capabilityTest(NEEDS, "a builder image that is not there, or has no compiler, is told with what helps", async () => {
  await using world = await startWorld();
  const folder = copyGadget(world.scratch, "params");
  const absent = await world.build(folder, "--builder-image", "127.0.0.1:1/builder:1");
  assert.equal(absent.code, 3);
  assert.match(
    absent.stderr,
    /the builder image 127\.0\.0\.1:1\/builder:1 is not available locally and pull is disabled/,
  );
  assert.match(absent.stderr, /--builder-image names another image/);
  const unreachable = await world.build(
    folder,
    "--builder-image",
    "127.0.0.1:1/builder:1",
    "--builder-image-pull",
    "missing",
  );
  assert.equal(unreachable.code, 1);
  assert.match(
    unreachable.stderr,
    /podman cannot pull the builder image 127\.0\.0\.1:1\/builder:1: .*connection refused/,
  );
  const old = await world.build(folder, "--builder-image-pull", "always");
  assert.equal(old.code, 1);
  assert.match(old.stderr, /--builder-image-pull missing takes the one that is here/);
  const bare = await world.build(folder, "--builder-image", world.podman.bareImage);
  assert.equal(bare.code, 1);
  assert.match(bare.stderr, /cannot start clang: it is not there in the builder image localhost\/satchel-bare/);
  const own = await world.buildWith({ CLANG: "/opt/clang" }, folder);
  assert.match(
    own.stderr,
    /cannot start \/opt\/clang: .*\nHint: CLANG, LLVM_STRIP and BPFTOOL name programs of the container/,
  );
  const verbose = await world.build(folder, "--verbose", "--builder-image", world.podman.bareImage);
  assert.match(verbose.stderr, /^\S*podman run --rm .*--entrypoint cat localhost\/satchel-bare/m);
  assert.deepEqual(await world.podman.containers(), []);
});

capabilityTest(NEEDS, "a builder image is pulled before every build, if it is missing, or never", async () => {
  await using world = await startWorld();
  const { scratch, podman } = world;
  await using registry = await startServedRegistry();
  const settings = scratch.at("registries.conf");
  await Deno.writeTextFile(settings, `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`);
  const image = `${registry.host}/builder:1`;
  const env = { ...podman.env, CONTAINERS_REGISTRIES_CONF: settings };
  await succeed(podman.program, ["push", "--quiet", podman.bareImage, image], { env });
  const folder = copyGadget(scratch, "params");
  try {
    const build = async (pull: string) => {
      const flags = ["--builder-image", image, "--builder-image-pull", pull];
      const { stderr } = await world.buildWith({ CONTAINERS_REGISTRIES_CONF: settings }, folder, ...flags);
      assert.match(stderr, /cannot start clang/);
      return stderr.includes(`Pulling builder image ${image}`);
    };
    assert.deepEqual([await build("missing"), await build("missing"), await build("always"), await build("never")], [
      true,
      false,
      true,
      false,
    ]);
  } finally {
    await succeed(podman.program, ["rmi", "--force", image], { env });
  }
});

capabilityTest(
  NEEDS,
  "folders are given to the container whatever they are called, or it is told why not",
  async () => {
    await using world = await startWorld();
    const { scratch } = world;
    for (const name of ["-co:lon $(x)", "com,ma", 'quo"te é']) {
      builtDigest(await world.build(copyGadget(scratch, "params", name)));
    }
    const { code, stderr } = await world.build(copyGadget(scratch, "params", "both,of:them"));
    assert.equal(code, 2);
    assert.match(stderr, /both,of:them cannot be given to a container: it has a colon as well as a comma/);
  },
);

capabilityTest(NEEDS, "a gadget in a tree of sources sees what lies beside it", async () => {
  await using world = await startWorld();
  const { scratch } = world;
  const root = writeFolder(scratch.at("tree"), {
    "include/gadget/amd64/number.h": "#define NUMBER 1",
    "include/gadget/arm64/number.h": "#define NUMBER 2",
    "gadgets/one/program.bpf.c": "#include <number.h>\nint number = NUMBER;",
  });
  builtDigest(await world.buildWith({ IG_SOURCE_PATH: root }, join(root, "gadgets/one")));
  const outside = await world.buildWith({ IG_SOURCE_PATH: join(root, "include") }, join(root, "gadgets/one"));
  assert.equal(outside.code, 2);
  assert.match(outside.stderr, /is not in the source folder .*tree\/include \(IG_SOURCE_PATH\)/);
});

/** Builds where the engines are these scripts. */
async function buildWithEngines(engines: Record<string, string>, ...flags: string[]): Promise<Outcome> {
  await using scratch = await scratchFolder();
  const scripts = Object.entries(engines).map(([name, script]) => [name, `#!/bin/sh\n${script}\n`]);
  const bin = writeFolder(scratch.at("bin"), Object.fromEntries(scripts));
  for (const name of Object.keys(engines)) await Deno.chmod(join(bin, name), 0o755);
  const folder = writeFolder(scratch.at("gadget"), { "program.bpf.c": "" });
  return await satchel(["image", "build", ...flags, folder], { env: { PATH: bin } });
}

Deno.test("without an engine, or with one that does not let the user in, it is told what to do", async () => {
  const none = await buildWithEngines({});
  assert.equal(none.code, 1);
  assert.match(none.stderr, /no container engine: there is no docker or podman on PATH/);
  assert.match(none.stderr, /--local builds without a container/);
  const socket = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock";
  const denied = await buildWithEngines({ docker: `echo '${socket}' >&2; exit 1` });
  assert.equal(denied.code, 4);
  assert.match(denied.stderr, /docker does not answer: permission denied/);
  assert.match(denied.stderr, /group docker/);
  const dead = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
  const stopped = await buildWithEngines({ docker: `echo '${dead}' >&2; exit 1` }, "--engine", "docker");
  assert.equal(stopped.code, 1);
  assert.match(stopped.stderr, /systemctl start docker/);
});
