/**
 * Makes `docs/images/demo.svg`: runs the built binary in a real terminal (tmux), against a real registry on loopback, and
 * draws what was to be seen.
 *
 *     deno task record
 *
 * The registry stands for the two that are named in the recording: all requests go through a proxy that leads there, and
 * that is slow enough for the progress to be seen. Content and dates are fixed, so only timing differs from run to run.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import {
  attachmentTag,
  binary,
  makeCosignSignature,
  makeGadget,
  peer,
  pushImage,
  type Registry,
  scratchFolder,
  startHttpProxy,
  startRegistry,
  succeed,
} from "../tests/harness/mod.ts";
import { drawTerminal, type Frame } from "./_terminal_svg.ts";

/** What is typed. */
const COMMANDS = [
  "satchel image pull trace_open",
  "satchel image list",
  "satchel image tag trace_open registry.example.org/team/trace_open:v1",
  "satchel image push registry.example.org/team/trace_open:v1",
  "satchel image list --all",
];

const COLUMNS = 100;
const ROWS = 22;
const PICTURE = new URL("../docs/images/demo.svg", import.meta.url);

/** The prompt; the terminal waits for a command when its last line is just this. */
const PROMPT = "$";

/** Milliseconds: between pictures, per typed character, after a command, at the end; and the limit of one command. */
const SAMPLE_EVERY = 100;
const TYPING = 30;
const REST = 900;
const LAST_REST = 4000;
const COMMAND_LIMIT = 30_000;

/** How fast the proxy hands on a blob, in bytes a second. */
const SPEED = 220_000;

await using registry = await startRegistry();
await publish(registry);
await using proxy = await startHttpProxy({
  upstream: registry.host,
  passBody: ({ method, target }, body) => method === "GET" && target.includes("/blobs/") ? slowly(body) : body,
});
const frames = await record(proxy.url);
const duration = frames[frames.length - 1].at + LAST_REST;
const svg = drawTerminal(frames, { columns: COLUMNS, rows: ROWS, title: COMMANDS.join("; "), duration });
await Deno.mkdir(new URL(".", PICTURE), { recursive: true });
await Deno.writeTextFile(PICTURE, svg);
console.error(`Wrote ${fileURLToPath(PICTURE)}: ${frames.length} frames, ${Math.round(svg.length / 1000)} kB`);

/** Puts a signed gadget into the registry. */
async function publish(registry: Registry): Promise<void> {
  const repository = "inspektor-gadget/gadget/trace_open";
  const created = "2026-01-02T03:04:05Z";
  const gadget = makeGadget({ seed: "trace open", created, layerSize: 350_000, layers: 2 });
  await pushImage(registry, repository, "latest", gadget);
  const signature = makeCosignSignature(gadget.root);
  await pushImage(registry, repository, attachmentTag(gadget.root.digest, ".sig"), signature);
}

/** Hands on a body at {@link SPEED}. */
async function* slowly(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const piece = 8192;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; at += piece) {
      const part = chunk.subarray(at, at + piece);
      await delay(1000 * part.length / SPEED);
      yield part;
    }
  }
}

/** Types the commands into a terminal and looks at it until all is done. */
async function record(proxy: string): Promise<Frame[]> {
  await using scratch = await scratchFolder();
  await Deno.mkdir(scratch.at("bin"));
  await Deno.symlink(await binary(), scratch.at("bin", "satchel"));
  await using terminal = await openTerminal(scratch.path, {
    HOME: scratch.path,
    PATH: `${scratch.at("bin")}:/usr/bin:/bin`,
    LANG: "C.UTF-8",
    PS1: `${PROMPT} `,
    HISTFILE: "/dev/null",
    SATCHEL_STORE: scratch.at("store"),
    SATCHEL_INSECURE_REGISTRIES: "ghcr.io,registry.example.org",
    HTTP_PROXY: proxy,
  });
  await waitForPrompt(terminal);
  const frames: Frame[] = [];
  const started = performance.now();
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      await look(terminal, frames, started);
      await delay(SAMPLE_EVERY);
    }
    await look(terminal, frames, started);
  })();
  try {
    for (const command of COMMANDS) {
      for (const character of command) {
        await terminal.type(character);
        await delay(TYPING);
      }
      await delay(4 * TYPING);
      await terminal.press("Enter");
      await delay(4 * TYPING);
      await waitForPrompt(terminal);
      await delay(REST);
    }
  } finally {
    isOver = true;
    await watching;
  }
  return frames;
}

async function look(terminal: Terminal, frames: Frame[], started: number): Promise<void> {
  const lines = await terminal.read();
  const last = frames.at(-1);
  if (last && last.lines.join("\n") === lines.join("\n")) return;
  frames.push({ at: Math.round(performance.now() - started), lines });
}

async function waitForPrompt(terminal: Terminal): Promise<void> {
  const deadline = performance.now() + COMMAND_LIMIT;
  while (performance.now() < deadline) {
    if ((await terminal.read()).filter((line) => line.trim() !== "").at(-1)?.trim() === PROMPT) return;
    await delay(SAMPLE_EVERY / 2);
  }
  throw new Error(`A command did not end:\n${(await terminal.read()).join("\n")}`);
}

/** A shell in a terminal of its own. */
interface Terminal extends AsyncDisposable {
  type(text: string): Promise<unknown>;
  press(key: string): Promise<unknown>;
  /** Its lines, with colours as escape sequences. */
  read(): Promise<string[]>;
}

async function openTerminal(folder: string, env: Record<string, string>): Promise<Terminal> {
  const socket = `${folder}/tmux`;
  const tmux = (...args: string[]) =>
    succeed(peer("tmux"), ["-S", socket, ...args], { env: { HOME: folder, LANG: "C.UTF-8" } });
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  await tmux(
    ...["-f", "/dev/null", "new-session", "-d", "-x", `${COLUMNS}`, "-y", `${ROWS}`, "-c", folder],
    ...["env", "-i", "TERM=screen-256color", ...variables, "bash", "--norc", "--noprofile"],
  );
  await tmux("set-option", "status", "off");
  return {
    type: (text) => tmux("send-keys", "-l", "--", text),
    press: (key) => tmux("send-keys", key),
    read: async () => (await tmux("capture-pane", "-e", "-p")).split("\n"),
    [Symbol.asyncDispose]: async () => {
      await tmux("kill-server");
      for (let tries = 0; tries < 100 && await isOpen(socket); tries++) await delay(20);
    },
  };
}

/** Whether something listens on a socket; tmux comes to its end a moment after it was told to. */
async function isOpen(socket: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path: socket })).close();
    return true;
  } catch {
    return false;
  }
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
