import { isDigest, isTag } from "../oci/mod.ts";
import { etagOf, isNotModified, requireMatch } from "./conditional.ts";
import { invalidDigest, unknownManifest } from "./content_errors.ts";
import { deleteManifest } from "./delete_content.ts";
import { type Exchange, firstOf, repositoriesAt } from "./exchange.ts";
import { methodsAt, requireMethod } from "./methods.ts";
import { putManifest } from "./put_manifest.ts";

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
  const manifest = await firstOf(repositories, (each) => each.manifest(reference, { signal: request.signal }));
  if (!manifest) throw unknownManifest(reference);
  const { descriptor: { digest, mediaType }, bytes } = manifest;
  const etag = etagOf(digest);
  const headers = { ETag: etag, "Docker-Content-Digest": digest };
  requireMatch(request, etag);
  if (isNotModified(request, etag)) return new Response(null, { status: 304, headers });
  return new Response(request.method === "HEAD" ? null : bytes as Uint8Array<ArrayBuffer>, {
    headers: {
      ...headers,
      "Content-Type": mediaType,
      "Content-Length": String(bytes.length),
      "X-Content-Type-Options": "nosniff",
    },
  });
}

function checkReference(reference: string): void {
  if (isTag(reference) || isDigest(reference)) return;
  // What is no tag cannot be there; but who means a digest should hear that it is none.
  if (!reference.includes(":")) throw unknownManifest(reference);
  throw invalidDigest();
}
