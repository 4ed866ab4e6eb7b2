import { hasCode } from "../error.ts";
import type { Descriptor } from "../oci/mod.ts";
import type { Client } from "./client.ts";

/**
 * Whether a blob or a manifest is there (distribution-spec 1.1, end-2 and end-3, HEAD), with the size that the descriptor says.
 *
 * @param path `blobs/<digest>` or `manifests/<digest>`
 * @throws {SatchelError} all but `not-found`
 */
export async function hasContent(
  client: Client,
  path: string,
  descriptor: Descriptor,
  headers: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<boolean> {
  const spec = { method: "HEAD" as const, url: client.url(path), headers, scopes: client.pull, accept: [200], signal };
  try {
    return await client.request(spec, ({ response }) => {
      const length = response.headers.get("content-length");
      const digest = response.headers.get("docker-content-digest");
      const hasSize = length === null || Number(length) === descriptor.size;
      return hasSize && (digest === null || digest === descriptor.digest);
    });
  } catch (error) {
    if (hasCode(error, "not-found")) return false;
    throw error;
  }
}
