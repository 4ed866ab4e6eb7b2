/**
 * Measures satchel and its peers by turns, against one registry, in one run, and prints tables in Markdown.
 *
 *     deno task bench                                     everything
 *     deno task bench --case gadget --case version        some cases
 *     deno task bench --rounds 10 --large 256             more rounds, a smaller layer
 *     deno task bench --scratch /dev/shm                  without the disk
 *
 * @module
 */
import { parseArgs } from "node:util";
import { cpus } from "node:os";
import { findProgram } from "../tests/harness/mod.ts";
import type { Bench, Case, Sizes } from "./case.ts";
import { CASES } from "./cases.ts";
import { Runner, type Sample } from "./measure.ts";
import { formatTime, markdown, type Row } from "./table.ts";
import { installedTools, type Tool, TOOL_NAMES } from "./tools.ts";

const HELP = `Usage: deno task bench [options]

  --case NAME      only this case, may be repeated: ${CASES.map(({ name }) => name).join(", ")}
  --tool NAME      only this tool, may be repeated: ${TOOL_NAMES.join(", ")}
  --rounds N       how often each tool has its turn (default 5)
  --large MIB      size of the large layer (default 1024)
  --layers N       number of layers of 1 MiB (default 200)
  --images N       images in one archive (default 1000)
  --names N        names in the store that is listed (default 5000)
  --round-trip MS  round trip of the slow link (default 50)
  --instant-connect  connecting through the slow link costs no round trip
  --scratch DIR    where to make files (default: the folder for temporary files); three times --large is needed
`;

/** Upper limits, so that a slip of the finger does not fill the disk. */
const LIMITS = { rounds: 100, large: 16 * 1024, layers: 5000, images: 5000, names: 100_000, roundTrip: 5000 };

const { values } = parseArgs({
  args: Deno.args,
  options: {
    case: { type: "string", multiple: true },
    tool: { type: "string", multiple: true },
    rounds: { type: "string", default: "5" },
    large: { type: "string", default: "1024" },
    layers: { type: "string", default: "200" },
    images: { type: "string", default: "1000" },
    names: { type: "string", default: "5000" },
    "round-trip": { type: "string", default: "50" },
    "instant-connect": { type: "boolean", default: false },
    scratch: { type: "string" },
    help: { type: "boolean", short: "h" },
  },
});

if (values.help) {
  console.log(HELP);
  Deno.exit(0);
}

const cases = chosen("case", values.case, CASES.map(({ name }) => name)).map((name) =>
  CASES.find((candidate) => candidate.name === name)!
);
const tools = await installedTools(chosen("tool", values.tool, TOOL_NAMES));
if (tools.length === 0) fail('There is nothing to measure. "deno task build" makes dist/satchel');
const registry = findProgram("registry") ?? findProgram("docker-registry");
if (registry === undefined) fail("There is no distribution registry: install `registry` or Debian's docker-registry");

const rounds = number("rounds", values.rounds, LIMITS.rounds);
const sizes: Sizes = {
  large: number("large", values.large, LIMITS.large),
  layers: number("layers", values.layers, LIMITS.layers),
  images: number("images", values.images, LIMITS.images),
  names: number("names", values.names, LIMITS.names),
  roundTrip: number("round-trip", values["round-trip"], LIMITS.roundTrip),
  instantConnect: values["instant-connect"],
};

const scratch = await Deno.makeTempDir({ dir: values.scratch, prefix: "satchel-bench-" });
const onInterrupt = () => {
  Deno.removeSync(scratch, { recursive: true });
  Deno.exit(130);
};
Deno.addSignalListener("SIGINT", onInterrupt);
try {
  const rows: Row[] = [];
  for (const each of cases) rows.push(await measure(each, { scratch: `${scratch}/${each.name}`, registry, sizes }));
  console.log(`${machine()}\n\n${markdown(rows, tools)}`);
} finally {
  await Deno.remove(scratch, { recursive: true });
  Deno.removeSignalListener("SIGINT", onInterrupt);
}

/** Gives every tool its turns at a case, A B C A B C. */
async function measure(each: Case, bench: Bench): Promise<Row> {
  await Deno.mkdir(`${bench.scratch}/home`, { recursive: true });
  const runner = new Runner(`${bench.scratch}/home`);
  const samples = new Map<string, Sample[]>();
  try {
    await using prepared = await each.prepare(bench);
    for (let round = 0; round < rounds; round++) {
      for (const tool of tools) {
        for (let run = 0; run < each.runs; run++) {
          const sample = await oneTurn(runner, tool, prepared);
          if (!sample) break;
          samples.set(tool.name, [...samples.get(tool.name) ?? [], sample]);
          console.error(`${each.name} ${round + 1}/${rounds} ${tool.name} ${formatTime(sample.seconds)}`);
        }
      }
    }
  } finally {
    await Deno.remove(bench.scratch, { recursive: true });
  }
  return { title: each.title(bench.sizes), samples };
}

async function oneTurn(
  runner: Runner,
  tool: Tool,
  prepared: Awaited<ReturnType<Case["prepare"]>>,
): Promise<Sample | undefined> {
  await using turn = await prepared.turn(tool);
  if (!turn) return undefined;
  // What was written before must not be written to the disk while somebody else is being timed.
  await new Deno.Command("sync").output();
  const sample = await runner.run(turn.words);
  turn.check();
  return sample;
}

/** What the figures depend on. */
function machine(): string {
  const processors = cpus();
  return `${processors.length} x ${processors[0]?.model ?? "unknown processor"}, ${Deno.osRelease()}, ` +
    `${Math.round(Deno.systemMemoryInfo().total / 2 ** 30)} GiB of memory; ${rounds} rounds; files below ${
      scratch.split("/").slice(0, -1).join("/") || "/"
    }`;
}

function chosen(option: string, wanted: string[] | undefined, known: readonly string[]): readonly string[] {
  const stranger = wanted?.find((name) => !known.includes(name));
  if (stranger !== undefined) fail(`--${option} ${stranger}: known are ${known.join(", ")}`);
  return wanted ?? known;
}

function number(option: string, text: string, limit: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > limit) fail(`--${option} takes a number from 1 to ${limit}`);
  return value;
}

function fail(message: string): never {
  console.error(`Error: ${message}\n\n${HELP}`);
  Deno.exit(2);
}
