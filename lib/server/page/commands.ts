import { isDigest } from "../../oci/mod.ts";
import type { Kind } from "./kind.ts";

/** How to get an image with one program. */
export interface PullCommand {
  program: string;
  command: string;
}

/** Hosts that a shell takes for a word: names and addresses. Others resolve as well, and `$(...)` may stand in them. */
const PLAIN_HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d+)?$/i;

/**
 * The host of a request as clients name it. One that looks like a part of a name gets its port, so that it is taken for a host.
 *
 * @returns `undefined` if it is none that belongs into a command
 */
export function clientHost(url: URL): string | undefined {
  const { host, hostname, port, protocol } = url;
  if (!PLAIN_HOST.test(host)) return undefined;
  if (port !== "" || /[.:]/.test(hostname) || hostname === "localhost") return host;
  return `${host}:${protocol === "https:" ? 443 : 80}`;
}

/**
 * The commands that get an image from this server.
 *
 * @param host from {@link clientHost}
 * @param isPlain whether it is asked without TLS
 * @param reference a tag or a digest
 */
export function pullCommands(
  { host, isPlain, name, reference, kind }: {
    host: string;
    isPlain: boolean;
    name: string;
    reference: string;
    kind: Kind;
  },
): PullCommand[] {
  const image = word(`${host}/${name}${isDigest(reference) ? "@" : ":"}${reference}`);
  const insecure = isPlain ? ` --insecure-registries ${word(host)}` : "";
  const layout = `./image:${isDigest(reference) ? "latest" : reference}`;
  const commands = [{ program: "satchel", command: `satchel image pull${insecure} ${image}` }];
  if (kind.isGadget) commands.push({ program: "ig", command: `sudo ig image pull${insecure} ${image}` });
  commands.push({
    program: "oras",
    command: `oras copy --recursive${isPlain ? " --from-plain-http" : ""} ${image} --to-oci-layout ${layout}`,
  });
  if (!kind.isContainer) return commands;
  return [
    ...commands,
    { program: "Podman", command: `podman pull${isPlain ? " --tls-verify=false" : ""} ${image}` },
    { program: "Docker", command: `docker pull ${image}` },
  ];
}

/** Brackets of an IPv6 address are a pattern to a shell. */
function word(text: string): string {
  return /[[\]]/.test(text) ? `'${text}'` : text;
}
