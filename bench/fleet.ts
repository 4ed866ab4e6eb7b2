/**
 * Counts what reaches a registry when many hosts pull one gadget: without a mirror, with a pull-through cache of the distribution
 * project, with one that is believed about tags, and with a registry that was given a copy before. Prints a table and draws docs/images/fleet.svg.
 *
 * @module
 */
import { join } from "node:path";
import {
  attachmentTag,
  binary,
  type Image,
  makeCosignSignature,
  makeGadget,
  pushImage,
  type Registry,
  ROOT,
  run,
  satchelEnvironment,
  scratchFolder,
  startRegistry,
  startTcpProxy,
} from "../tests/harness/mod.ts";
import { type Bar, drawBars } from "./fleet_chart.ts";

const HOSTS = 200;
const AT_A_TIME = 8;
const LAYER_SIZE = 200_000;
const REPOSITORY = "team/gadget";

/** What one way of setting up the hosts brought. */
interface Result {
  title: string;
  requests: number;
  /** What the registry sent, heads of responses included. */
  bytes: number;
  seconds: number;
}

/** One way of setting up the hosts. */
interface Setup {
  title: string;
  /** What the mirror is; without it there is none. */
  mirror?: "cache" | "copy";
  resolveTags?: boolean;
}

const SETUPS: readonly Setup[] = [
  { title: "no mirror" },
  { title: "cache", mirror: "cache" },
  { title: "cache, resolveTags", mirror: "cache", resolveTags: true },
  { title: "copy", mirror: "copy" },
  { title: "copy, resolveTags", mirror: "copy", resolveTags: true },
];

async function measure({ title, mirror, resolveTags = false }: Setup): Promise<Result> {
  const gadget = makeGadget({ layerSize: LAYER_SIZE });
  await using origin = await startRegistry();
  await publish(origin, gadget);
  // Hosts and cache reach the registry through it alone, so that it sees every byte.
  await using line = await startTcpProxy(origin.host, { direction: "down", after: Infinity, times: 0 });
  await using cache = await startRegistry(mirror === "cache" ? { proxy: `http://${line.host}` } : {});
  if (mirror === "copy") await publish(cache, gadget);
  await using scratch = await scratchFolder();
  const config = scratch.at("config.yaml");
  const mirrors = mirror === undefined ? {} : { [line.host]: [{ endpoint: `http://${cache.host}`, resolveTags }] };
  await Deno.writeTextFile(config, JSON.stringify({ mirrors, insecureRegistries: [line.host] }));
  const before = origin.requests().length;
  const started = performance.now();
  await forEachHost(async (host) => {
    const home = scratch.at(`host-${host}`);
    await Deno.mkdir(home);
    const env = { ...satchelEnvironment(join(home, "store"), home), SATCHEL_CONFIG: config };
    const outcome = await run(await binary(), ["image", "pull", "-q", `${line.host}/${REPOSITORY}:v1`], { env });
    if (outcome.code !== 0) throw new Error(`host ${host}: ${outcome.stderr}`);
  });
  const seconds = (performance.now() - started) / 1000;
  return { title, requests: origin.requests().length - before, bytes: line.passed(), seconds };
}

/** Puts a gadget and its signature into a registry. */
async function publish(registry: Registry, gadget: Image): Promise<void> {
  await pushImage(registry, REPOSITORY, "v1", gadget);
  const tag = attachmentTag(gadget.root.digest, ".sig");
  await pushImage(registry, REPOSITORY, tag, makeCosignSignature(gadget.root));
}

async function forEachHost(work: (host: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < HOSTS) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}

function table(results: readonly Result[]): string {
  const rows = results.map(({ title, requests, bytes, seconds }) =>
    `| ${title} | ${requests} | ${megabytes(bytes)} | ${seconds.toFixed(1)} |`
  );
  const header = [
    "| hosts pull by tag | requests at the origin | MB sent by the origin | seconds |",
    "|---|---:|---:|---:|",
  ];
  return [...header, ...rows].join("\n");
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}

const results: Result[] = [];
for (const setup of SETUPS) results.push(await measure(setup));
console.log(`${HOSTS} hosts, ${AT_A_TIME} at a time, one signed gadget of two layers of ${LAYER_SIZE} bytes:\n`);
console.log(table(results));
const bars = (value: (result: Result) => number, show: (value: number) => string): Bar[] =>
  results.map((result) => ({ label: result.title, value: value(result), shown: show(value(result)) }));
await Deno.writeTextFile(
  join(ROOT, "docs/images/fleet.svg"),
  drawBars([
    { title: `Requests at the origin, ${HOSTS} pulls`, bars: bars(({ requests }) => requests, String) },
    { title: "MB that the origin sent", bars: bars(({ bytes }) => bytes, megabytes) },
  ]),
);
