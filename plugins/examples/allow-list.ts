/**
 * Refuses to pull what is not on a list.
 *
 * Install it as a file that only root may write, and name it in /etc/satchel/config.yaml:
 *
 *     plugins:
 *       - path: /usr/local/lib/satchel/allow-list.ts
 *         settings:
 *           allow:
 *             - ghcr.io/inspektor-gadget/gadget/trace_open:latest   # this name
 *             - registry.example.org/team/*                         # what begins like this
 *             - sha256:0123...                                      # this content, 64 digits, by whatever name
 *
 * Names are compared in full: registry/repository:tag, or registry/repository@sha256:... of what is pulled by its digest.
 * Who pulls name:tag@digest gets the digest, whatever the tag stands for, so the tag is not looked at. A name without tag
 * and digest means its tag latest. Without a list everything is refused.
 */
import type { Json, Plugin, TransferRequest } from "../../lib/plugin/contract.ts";

/** What an image can be allowed by. */
interface Names {
  /** `registry/repository:tag`, or the pinned name where the digest was asked for. */
  name: string;
  /** `registry/repository@digest` */
  pinned: string;
  digest: string;
}

function namesOf({ registry, repository, tag, subject }: TransferRequest): Names {
  const pinned = `${registry}/${repository}@${subject.digest}`;
  // Without a tag it is pulled by its digest.
  return { name: tag === undefined ? pinned : `${registry}/${repository}:${tag}`, pinned, digest: subject.digest };
}

function entriesOf(allow: Json | undefined): string[] {
  const isList = Array.isArray(allow) && allow.length > 0;
  if (isList && allow.every((entry) => typeof entry === "string" && entry !== "")) return allow as string[];
  throw new Error("settings.allow must be a list of names, digests and prefixes");
}

function allows(entry: string, { name, pinned, digest }: Names): boolean {
  if (entry.endsWith("*")) return name.startsWith(entry.slice(0, -1));
  if (entry.startsWith("sha256:")) return entry === digest;
  const hasTagOrDigest = /[:@]/.test(entry.slice(entry.lastIndexOf("/") + 1));
  const full = hasTagOrDigest ? entry : `${entry}:latest`;
  return full === name || full === pinned;
}

const plugin: Plugin = {
  contract: 1,
  name: "allow-list",
  description: "Refuses to pull what is not on a list",
  version: "1.0.0",

  beforePull(request, { settings }) {
    const names = namesOf(request);
    if (entriesOf(settings.allow).some((entry) => allows(entry, names))) return { allow: true };
    return { allow: false, reason: `${names.name} is not on the list` };
  },
};

export default plugin;
