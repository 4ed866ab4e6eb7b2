import { hostname } from "node:os";
import { attachmentSubject } from "../../lib/content/mod.ts";
import { offeredName, type Repositories } from "../../lib/server/mod.ts";
import { formatAddress, isUnspecified, type ListenAddress } from "./address.ts";
import type { ServeOptions } from "./options.ts";

/**
 * What is said at the start: where it listens, and how to pull something that is really there.
 *
 * @param label what is served
 * @param listen the address with its actual port
 */
export async function greeting(
  label: string,
  listen: ListenAddress,
  { mirrorOf, tls, isWritable, htpasswd, anonymousPull }: ServeOptions,
  repositories: Repositories,
): Promise<string> {
  const lines = [
    `Serving ${label} on ${tls ? "https" : "http"}://${formatAddress(listen)}${isWritable ? "" : ", read-only"}`,
  ];
  const host = formatAddress(isUnspecified(listen.hostname) ? { ...listen, hostname: hostname() } : listen);
  const plain = tls ? "" : ` --insecure-registries ${host}`;
  if (htpasswd !== undefined) {
    const who = anonymousPull ? "To push, log in" : "Log in";
    lines.push(`${who} with: satchel login ${tls ? "" : "--plain-http "}${host}`);
  }
  const image = await someImage(repositories, mirrorOf);
  if (image) lines.push(`Pull with: satchel image pull${plain} ${host}/${image}`);
  else if (isWritable) lines.push(`Push with: satchel image push${plain} ${host}/NAME:TAG`);
  else lines.push("There is no image with a name in it yet");
  return lines.map((line) => `${line}\n`).join("");
}

/** How many repositories are looked at for an example. */
const MAX_LOOKED_AT = 100;

/** The first image that has a name, and is no signature. */
async function someImage(repositories: Repositories, mirrorOf: readonly string[]): Promise<string | undefined> {
  for (const name of (await repositories.list()).slice(0, MAX_LOOKED_AT)) {
    const tags = (await repositories.at(name).tags() ?? []).filter((tag) => !attachmentSubject(tag));
    if (tags.length === 0) continue;
    return `${offeredName(name, { mirrorOf })}:${tags.includes("latest") ? "latest" : tags[0]}`;
  }
  return undefined;
}
