/**
 * Makes `docs/images/serve-page.png`, `serve-image.png` and `serve-phone.png`: the pages of `satchel serve` in Debian's Chromium.
 *
 *     deno task build && deno task screenshot
 *
 * Content, dates and the name of the host are fixed; ages and fonts are those of the day and of the machine.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import {
  attachmentTag,
  type Image,
  makeCosignSignature,
  makeGadget,
  makeReferrer,
  scratchFolder,
  startServe,
} from "../tests/harness/mod.ts";
import { type Chromium, startChromium } from "../tests/harness/browser.ts";
import { type Entry, writeStore } from "../tests/e2e/cli_stores.ts";

const FOLDER = new URL("../docs/images/", import.meta.url);

/** What the server is called in the pictures; it listens on loopback, and the browser asks there. */
const HOST = "registry.site.example:5000";

/** A picture may be no larger, in bytes: the README is read over slow lines. */
const MAX_SIZE = 200_000;

const OFFICIAL = "ghcr.io/inspektor-gadget/gadget";

/** Gadgets as they could be, with days of different ages. */
const GADGETS: readonly [name: string, created: string, description: string][] = [
  ["advise_seccomp", "2026-08-04T08:00:00Z", "Advises on seccomp profiles"],
  ["trace_dns", "2026-10-14T09:30:00Z", "Shows DNS queries and their answers"],
  ["trace_exec", "2026-10-14T09:31:00Z", "Shows which programs are started"],
];

const TRACE_OPEN = `name: trace open
description: Shows which files are opened, by whom, and whether that failed
homepageURL: https://inspektor-gadget.io/
documentationURL: https://inspektor-gadget.io/docs/latest/gadgets/trace_open
params:
  ebpf:
    targ_pid: {key: pid, type: uint32, defaultValue: "0", description: Only this process}
    targ_failed: {key: failed, type: bool, defaultValue: "false", description: Only what failed}
datasources:
  open:
    fields:
      timestamp_raw: {annotations: {description: When it was, template: timestamp}}
      fname: {annotations: {description: The file, columns.width: "32"}}
      error_raw: {annotations: {description: Why it failed, template: errorString}}
`;

await using scratch = await scratchFolder();
await writeStore(scratch.at("store"), contents());
await using served = await startServe({ store: scratch.at("store") });
await using chromium = await startChromium([`--host-resolver-rules=MAP ${HOST} ${served.host}`]);
const image = `/images/${OFFICIAL}/trace_open:latest`;
await take("serve-page.png", "/", { viewport: { width: 1100, height: 640 } });
await take("serve-image.png", image, { viewport: { width: 1100, height: 900 } });
await take("serve-phone.png", image, { viewport: { width: 390, height: 780 }, colorScheme: "dark" });

/** Some gadgets, one of them with a signature and a bill of materials, and something of the site's own. */
function contents(): Entry[] {
  const annotations = { "org.opencontainers.image.licenses": "Apache-2.0" };
  const open = makeGadget({
    seed: "trace open",
    created: "2026-11-20T10:00:00Z",
    layerSize: 58_000,
    metadata: TRACE_OPEN,
    annotations: { ...annotations, "org.opencontainers.image.description": "Shows which files are opened" },
  });
  return [
    ...GADGETS.flatMap(([name, created, description]) => {
      const gadget = makeGadget({
        seed: name,
        created,
        layerSize: 41_000,
        annotations: { ...annotations, "org.opencontainers.image.description": description },
      });
      return signed(gadget, `${OFFICIAL}/${name}:v0.45.0`);
    }),
    ...signed(open, `${OFFICIAL}/trace_open:latest`),
    { image: makeReferrer(open.root, { artifactType: "application/spdx+json", payload: "what is in it" }) },
    { image: makeGadget({ seed: "site", created: "2026-11-24T15:00:00Z" }), name: "registry.site.example/net/watch:7" },
  ];
}

function signed(gadget: Image, name: string): Entry[] {
  const signature = makeCosignSignature(gadget.root);
  return [{ image: gadget, name }, { image: signature, name: attachmentTag(gadget.root.digest, ".sig") }];
}

async function take(file: string, path: string, options: Parameters<Chromium["open"]>[1]): Promise<void> {
  await using browser = await chromium.open(`http://${HOST}${path}`, options);
  const bytes = await browser.page.screenshot();
  if (bytes.length > MAX_SIZE) throw new Error(`${file} has ${bytes.length} bytes, the limit is ${MAX_SIZE}`);
  await Deno.mkdir(FOLDER, { recursive: true });
  await Deno.writeFile(new URL(file, FOLDER), bytes);
  console.error(`Wrote ${fileURLToPath(new URL(file, FOLDER))}: ${Math.round(bytes.length / 1000)} kB`);
}
