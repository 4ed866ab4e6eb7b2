import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The top of the source tree. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The built binary. */
export const BINARY = join(ROOT, "dist/satchel");

/** Where peers are installed that no package of the system has: outside the tree, kept between runs. */
export const PEERS = Deno.env.get("SATCHEL_PEERS") ||
  join(Deno.env.get("XDG_CACHE_HOME") || join(Deno.env.get("HOME") ?? "/root", ".cache"), "satchel-peers", "bin");
