import type { ArchiveForm } from "../../lib/archive/mod.ts";
import { count } from "../output/count.ts";

/** What an archive is, for people: `OCI image layout in a tar, gzip, 3 volumes`. */
export function describeForm({ layout, container, compression, volumes }: ArchiveForm): string {
  const what = layout === "oci" ? "OCI image layout" : "archive of docker save";
  const parts = [`${what} in a ${container}`];
  if (compression) parts.push(compression);
  if (volumes) parts.push(count(volumes, "volume"));
  return parts.join(", ");
}
