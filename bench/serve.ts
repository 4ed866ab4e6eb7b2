/**
 * Measures `satchel serve` beside a distribution registry, by turns in one run, and prints a table in Markdown.
 *
 *     deno task bench-serve                          everything
 *     deno task bench-serve --rounds 5 --large 256   more rounds, a smaller layer
 *     deno task bench-serve --scratch /dev/shm       without the disk
 *
 * @module
 */
import { parseArgs } from "node:util";
import { findProgram, startInBackground, succeed } from "../tests/harness/mod.ts";
import { removeFolder } from "./case.ts";
import { addGadget, addLayers, type Descriptor, Layout, upload } from "./images.ts";
import { startRegistry } from "./servers.ts";

const MIB = 1024 * 1024;
const BINARY = new URL("../dist/satchel", import.meta.url).pathname;

/** How many clients pull a gadget at the same time, and how often each. */
const CLIENTS = 64;
const PULLS = 8;

/** A server under measurement. */
interface Server extends AsyncDisposable {
  name: string;
  host: string;
  /** Only of satchel: the most resident memory so far, in MiB. */
  memory(): number | undefined;
}

const { values } = parseArgs({
  args: Deno.args,
  options: {
    rounds: { type: "string", default: "3" },
    large: { type: "string", default: "1024" },
    scratch: { type: "string" },
  },
});
const rounds = Number(values.rounds);
const size = Number(values.large);
if (!(rounds >= 1 && rounds <= 100 && size >= 1 && size <= 16 * 1024)) {
  throw new Error("--rounds 1-100, --large 1-16384");
}

const scratch = await Deno.makeTempDir({ dir: values.scratch, prefix: "satchel-bench-" });
try {
  await using distribution = await startPeer(`${scratch}/distribution`);
  await using satchel = await startSatchel(`${scratch}/satchel`);
  const servers = [distribution, satchel];
  const large = new Layout(`${scratch}/large`);
  const largeRoot = addLayers(large, 1, size * MIB);
  const gadget = new Layout(`${scratch}/gadget`);
  const gadgetRoot = addGadget(gadget);
  for (const { host } of servers) {
    await upload(large, largeRoot, `${host}/bench/large`, "v1");
    await upload(gadget, gadgetRoot, `${host}/bench/gadget`, "v1");
  }
  const blob = large.contents.blobs.reduce((one, other) => other.size > one.size ? other : one);
  const cases: [string, (server: Server, round: number) => Promise<number>][] = [
    [`curl gets a blob of ${size} MiB, s`, ({ host }) => curl(host, blob)],
    [`\`satchel image pull\` of that, s`, ({ host }) => pull(host, `${scratch}/pulled`)],
    [`\`satchel image push\` of another, s`, ({ host }, round) => push(host, round)],
    [`${CLIENTS} clients pull a gadget, requests a second`, ({ host }) => manyPulls(host, gadget, gadgetRoot)],
  ];
  console.log(`| | ${servers.map(({ name }) => name).join(" | ")} |\n|---|${"--:|".repeat(servers.length)}`);
  for (const [title, measure] of cases) {
    const samples = new Map<Server, number[]>(servers.map((server) => [server, []]));
    for (let round = 0; round < rounds; round++) {
      for (const server of servers) samples.get(server)!.push(await measure(server, round));
    }
    console.log(`| ${title} | ${servers.map((server) => median(samples.get(server)!)).join(" | ")} |`);
  }
  console.log(`| most memory, MiB | ${servers.map((server) => server.memory() ?? "-").join(" | ")} |`);
} finally {
  await Deno.remove(scratch, { recursive: true });
}

async function startPeer(folder: string): Promise<Server> {
  const program = findProgram("registry");
  if (program === undefined) throw new Error("There is no distribution registry");
  const { host, [Symbol.asyncDispose]: dispose } = await startRegistry(program, folder);
  return { name: "distribution", host, memory: () => undefined, [Symbol.asyncDispose]: dispose };
}

async function startSatchel(folder: string): Promise<Server> {
  await Deno.mkdir(folder);
  const args = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--store",
    `${folder}/store`,
    "--writable",
    "--allow-anonymous-push",
  ];
  const server = await startInBackground(BINARY, args, {
    env: { HOME: folder },
    ready: (line) => /^Serving .* on http:\/\/(\S+)/.exec(line)?.[1],
  });
  const status = () => Deno.readTextFileSync(`/proc/${server.pid}/status`);
  return {
    name: "satchel serve",
    host: server.found,
    memory: () => Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(status())?.[1]) / 1024),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function curl(host: string, { digest }: Descriptor): Promise<number> {
  const args = ["-sf", "-o", "/dev/null", "-w", "%{time_total}", `http://${host}/v2/bench/large/blobs/${digest}`];
  return Number(await succeed("curl", args));
}

async function pull(host: string, store: string): Promise<number> {
  const seconds = await timed([
    "image",
    "pull",
    "--store",
    store,
    "--insecure-registries",
    host,
    `${host}/bench/large:v1`,
  ]);
  await removeFolder(store);
  return seconds;
}

/** Each time an image that the registry does not have. */
async function push(host: string, round: number): Promise<number> {
  const layout = new Layout(`${scratch}/push`);
  const name = `${host}/bench/pushed:v${round}`;
  layout.list(addLayers(layout, 1, size * MIB), name);
  layout.save();
  const seconds = await timed(["image", "push", "--store", layout.path, "--insecure-registries", host, name]);
  await removeFolder(layout.path);
  return seconds;
}

async function timed(args: string[]): Promise<number> {
  const started = performance.now();
  await succeed(BINARY, args, { env: { HOME: scratch }, timeout: 180_000 });
  return (performance.now() - started) / 1000;
}

async function manyPulls(host: string, { contents }: Layout, root: Descriptor): Promise<number> {
  const base = `http://${host}/v2/bench/gadget`;
  const children = contents.manifests.filter(({ digest }) => digest !== root.digest);
  const urls = [
    `${base}/manifests/v1`,
    ...children.map(({ digest }) => `${base}/manifests/${digest}`),
    ...contents.blobs.map(({ digest }) => `${base}/blobs/${digest}`),
  ];
  const started = performance.now();
  await Promise.all(Array.from({ length: CLIENTS }, async () => {
    for (let at = 0; at < PULLS; at++) {
      for (const url of urls) {
        const response = await fetch(url, {
          headers: { Accept: root.mediaType + ", application/vnd.oci.image.manifest.v1+json" },
        });
        await response.arrayBuffer();
        if (!response.ok) throw new Error(`${url}: ${response.status}`);
      }
    }
  }));
  return CLIENTS * PULLS * urls.length / ((performance.now() - started) / 1000);
}

function median(samples: readonly number[]): string {
  const sorted = samples.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)].toPrecision(3);
}
