import { strict as assert } from "node:assert";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Scratch, scratchFolder } from "../../tests/harness/mod.ts";
import { hasCode } from "../error.ts";
import type { TransferRequest, VerifyRequest } from "./contract.ts";
import { openPlugins } from "./host.ts";
import type { PluginHost, PluginOptions } from "./host_types.ts";

/** A request of the hooks that let an image pass. */
export const TRANSFER: TransferRequest = {
  reference: "ghcr.io/team/gadget:latest",
  registry: "ghcr.io",
  repository: "team/gadget",
  tag: "latest",
  subject: { mediaType: "application/vnd.oci.image.index.v1+json", digest: `sha256:${"0".repeat(64)}`, size: 7 },
  store: "/store",
};

/** A request of `verify`. */
export const VERIFY: VerifyRequest = {
  reference: TRANSFER.reference,
  subject: TRANSFER.subject,
  artifacts: [],
  trust: {},
};

/** A host, with what plugins have said. */
export interface TestHost extends PluginHost {
  /** `NAME: LINE` */
  lines: string[];
  printed: string[];
}

/** Opens plugins that are named by their paths, or as told. */
export async function openNamed(
  paths: readonly string[],
  options: Partial<PluginOptions> = {},
): Promise<TestHost> {
  const lines: string[] = [];
  const printed: string[] = [];
  const host = await openPlugins({
    named: paths.map((path) => ({ path, from: "the test" })),
    folders: [],
    builtin: {},
    environment: { PATH: "/usr/bin:/bin" },
    version: "1.2.3",
    signal: new AbortController().signal,
    onLog: (plugin, text) => lines.push(`${plugin}: ${text}`),
    onPrint: (text) => printed.push(text),
    onWarning: () => {},
    timeout: 5000,
    ...options,
  });
  return { ...host, lines, printed };
}

/** Writes a module whose default export has these members beside contract and name `guard`. */
export function writeModule(path: string, members: string, before = ""): string {
  return writeSafely(path, `${before}\nexport default { contract: 1, name: "guard", ${members} };\n`, 0o644);
}

/** Writes a shell script that answers with a manifest of these hooks and name `guard`; a hook runs `body`. */
export function writeScript(path: string, hooks: readonly string[], body: string): string {
  const manifest = JSON.stringify({ contract: 1, name: "guard", hooks });
  const text = `#!/bin/sh\nif [ "$1" = --satchel-manifest ]; then echo '${manifest}'; exit; fi\n${body}\n`;
  return writeSafely(path, text, 0o755);
}

/** Writes a file with a mode that the umask does not change. */
export function writeSafely(path: string, text: string, mode: number): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** The message of the refusal by the one plugin that `write` puts into a folder, without plugin and hook. */
export async function refusalIn(write: (scratch: Scratch) => string, timeout = 20_000): Promise<string> {
  await using scratch = await scratchFolder();
  const path = write(scratch);
  await using host = await openNamed([path], { timeout });
  let message = "nothing";
  await assert.rejects(host.check("beforePull", TRANSFER), (error) => {
    assert.ok(hasCode(error, "refused"), String(error));
    message = error.message;
    return true;
  });
  const start = `the plugin guard (${path}) failed in beforePull: `;
  return message.startsWith(start) ? message.slice(start.length) : message;
}
