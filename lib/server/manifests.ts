import { hasCode } from "../error.ts";
import { isDigest, isTag } from "../oci/mod.ts";
import { etagOf, isNotModified, requireMatch } from "./conditional.ts";
import { invalidDigest, unknownManifest } from "./content_errors.ts";
import { deleteManifest } from "./delete_content.ts";
import { type Exchange, firstOf, repositoriesAt } from "./exchange.ts";
import { methodsAt, requireMethod } from "./methods.ts";
import { putManifest } from "./put_manifest.ts";
import type { Repository, ServedManifest } from "./repositories.ts";

/** What is larger is sent out of its file, in bytes; usual ones have some kilobytes. */
const MAX_IN_MEMORY = 64 * 1024;

/**
 * distribution-spec 1.1, "Pulling manifests" (end-3). `Accept` is not looked at: there is one form of each manifest, whose type the
 * answer says, and who cannot read it hears more from that than from an error. distribution does the same.
 */
export async function answerManifest(exchange: Exchange, name: string, reference: string): Promise<Response> {
  const { request } = exchange;
  requireMethod(request, methodsAt(exchange, ["PUT", "DELETE"]));
  if (request.method === "PUT") return await putManifest(exchange, name, reference);
  if (request.method === "DELETE") return await deleteManifest(exchange, name, reference);
  const repositories = repositoriesAt(exchange, name);
  checkReference(reference);
  const found = await firstOf(repositories, async (repository) => {
    const manifest = await repository.manifest(reference, { signal: request.signal });
    return manifest && { manifest, repository };
  });
  if (!found) throw unknownManifest(reference);
  const { descriptor: { digest, mediaType }, bytes } = found.manifest;
  const etag = etagOf(digest);
  const headers = { ETag: etag, "Docker-Content-Digest": digest };
  requireMatch(request, etag);
  if (isNotModified(request, etag)) return new Response(null, { status: 304, headers });
  // The status is said in any case, as for blobs.
  return new Response(request.method === "HEAD" ? null : await bodyOf(exchange, found), {
    status: 200,
    headers: {
      ...headers,
      "Content-Type": mediaType,
      "Content-Length": String(bytes.length),
      "X-Content-Type-Options": "nosniff",
      // Without this, the runtime names the file.
      ...(bytes.length > MAX_IN_MEMORY && { "Content-Disposition": "attachment" }),
    },
  });
}

/** A large manifest goes out of its file: many clients that do not read would have as many copies in memory. */
async function bodyOf(
  { request, fileBody }: Exchange,
  { manifest, repository }: { manifest: ServedManifest; repository: Repository },
): Promise<BodyInit> {
  const bytes = manifest.bytes as Uint8Array<ArrayBuffer>;
  if (bytes.length <= MAX_IN_MEMORY) return bytes;
  try {
    const file = (await repository.blob(manifest.descriptor.digest, { signal: request.signal }))?.bytes;
    return file && typeof file !== "function" ? fileBody(file.path, file.offset, bytes.length) : bytes;
  } catch (error) {
    // Removed or damaged just now: what was read before is still right.
    if (hasCode(error, "not-found") || hasCode(error, "integrity")) return bytes;
    throw error;
  }
}

function checkReference(reference: string): void {
  if (isTag(reference) || isDigest(reference)) return;
  // What is no tag cannot be there; but who means a digest should hear that it is none.
  if (!reference.includes(":")) throw unknownManifest(reference);
  throw invalidDigest();
}
