import { hostname } from "node:os";
import { attachmentSubject } from "../../lib/content/mod.ts";
import { isForeignLayerType, isManifestType, parseManifest } from "../../lib/oci/mod.ts";
import { offeredName, type Repository } from "../../lib/server/mod.ts";
import { formatAddress, isUnspecified, type ListenAddress } from "./address.ts";
import type { Content } from "./content.ts";
import type { ServeOptions } from "./options.ts";
import { nameForClients } from "./tls.ts";

/** What of the command line it depends on. */
export interface GreetingOptions extends Pick<ServeOptions, "mirrorOf" | "isWritable" | "htpasswd" | "anonymousPull"> {
  /** The certificate chain of a server that has one, in PEM. */
  certificate?: string;
}

/** What is offered. */
export type Offer = Pick<Content, "label" | "repositories" | "holds">;

/**
 * What is said at the start: where it listens, and how to pull something that is really there.
 *
 * @param listen the address with its actual port
 */
export async function greeting(
  offer: Offer,
  listen: ListenAddress,
  { mirrorOf, certificate, isWritable, htpasswd, anonymousPull }: GreetingOptions,
): Promise<string> {
  const tls = certificate !== undefined;
  const lines = [
    `Serving ${offer.label} on ${tls ? "https" : "http"}://${formatAddress(listen)}${isWritable ? "" : ", read-only"}`,
  ];
  const host = formatAddress(isUnspecified(listen.hostname) ? { ...listen, hostname: ownName(certificate) } : listen);
  const plain = tls ? "" : ` --insecure-registries ${host}`;
  if (htpasswd !== undefined && (isWritable || !anonymousPull)) {
    const who = anonymousPull ? "To push, log in" : "Log in";
    lines.push(`${who} with: satchel login ${tls ? "" : "--plain-http "}${host}`);
  }
  const { image, hasPartial } = await findExample(offer, mirrorOf);
  if (image) lines.push(`Pull with: satchel image pull${plain} ${host}/${image}`);
  else if (isWritable) lines.push(`Push with: satchel image push${plain} ${host}/NAME:TAG`);
  else if (hasPartial) lines.push("No image was found that is there for all of its platforms");
  else lines.push("There is no image with a name in it yet");
  return lines.map((line) => `${line}\n`).join("");
}

function ownName(certificate: string | undefined): string {
  return certificate === undefined ? hostname() : nameForClients(certificate, hostname());
}

/** How many repositories, and how many images, are looked at for an example. */
const MAX_LOOKED_AT = 100;

/** What there is to be pulled. */
interface Example {
  /** The first image that has a name, is no signature, and is there in full. */
  image?: string;
  /** Whether there is one that is not there in full. */
  hasPartial: boolean;
}

async function findExample({ repositories, holds }: Offer, mirrorOf: readonly string[]): Promise<Example> {
  let hasPartial = false;
  let left = MAX_LOOKED_AT;
  for (const name of (await repositories.list()).slice(0, MAX_LOOKED_AT)) {
    const repository = repositories.at(name);
    const tags = (await repository.tags() ?? []).filter((tag) => !attachmentSubject(tag));
    for (const tag of tags.includes("latest") ? ["latest", ...tags] : tags) {
      if (left-- === 0) return { hasPartial };
      if (await isWhole(repository, tag, holds)) {
        return { image: `${offeredName(name, { mirrorOf })}:${tag}`, hasPartial };
      }
      hasPartial = true;
    }
  }
  return { hasPartial };
}

/** The most manifests of an image that are looked at. */
const MAX_MANIFESTS = 100;

/** Whether all that an image needs is there: some archives and stores have images for some platforms, or leave out what others have. */
async function isWhole(repository: Repository, tag: string, holds: Offer["holds"]): Promise<boolean> {
  const waiting = [tag];
  const seen = new Set<string>();
  try {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const found = await repository.manifest(next);
      if (!found || seen.size > MAX_MANIFESTS) return false;
      for (const child of parseManifest(found.bytes, found.descriptor.mediaType, next).children) {
        if (seen.has(child.digest) || isForeignLayerType(child.mediaType)) continue;
        seen.add(child.digest);
        if (isManifestType(child.mediaType)) waiting.push(child.digest);
        else if (!holds(child)) return false;
      }
    }
    return true;
  } catch {
    // It is damaged; who asks for it is told.
    return false;
  }
}
