import { compareBytes, type Descriptor, MAX_MANIFEST_SIZE, MediaType } from "../oci/mod.ts";
import { requireDigest } from "./content_errors.ts";
import { type Exchange, repositoriesAt } from "./exchange.ts";
import { READ, requireMethod } from "./methods.ts";
import { nextLink } from "./pagination.ts";

/** How much of the limit for manifests, in bytes, is left for what stands around the list. */
const FRAME = 1024;

/** distribution-spec 1.1, "Listing Referrers" (end-12a, end-12b). What nobody knows has no referrers, which is no error. */
export async function answerReferrers(exchange: Exchange, name: string, subject: string): Promise<Response> {
  const { request, url } = exchange;
  requireMethod(request, READ);
  const [repository] = repositoriesAt(exchange, name);
  const all = await repository.referrers(requireDigest(subject), { signal: request.signal });
  // Media types have no blanks: one is a plus that was not escaped.
  const artifactType = url.searchParams.get("artifactType")?.replaceAll(" ", "+");
  const wanted = artifactType ? all.filter((each) => each.artifactType === artifactType) : all;
  const { manifests, link } = firstPage(wanted, url);
  return new Response(JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }), {
    headers: {
      "Content-Type": MediaType.ociIndex,
      ...(artifactType && { "OCI-Filters-Applied": "artifactType" }),
      ...(link !== undefined && { Link: link }),
    },
  });
}

/** As many as make up no larger an index than any client reads, those behind `last` in the order of their digests. */
function firstPage(referrers: readonly Descriptor[], url: URL): { manifests: Descriptor[]; link?: string } {
  const last = url.searchParams.get("last") ?? "";
  const left = referrers.filter(({ digest }) => compareBytes(digest, last) > 0)
    .sort((a, b) => compareBytes(a.digest, b.digest));
  const manifests: Descriptor[] = [];
  let size = FRAME;
  for (const each of left) {
    size += sizeOf(each) + 1;
    // One that is too large by itself must not keep others from being listed.
    if (size > MAX_MANIFEST_SIZE && manifests.length > 0) {
      return { manifests, link: nextLink(url, { last: manifests[manifests.length - 1].digest }) };
    }
    manifests.push(each);
  }
  return { manifests };
}

function sizeOf(descriptor: Descriptor): number {
  return new TextEncoder().encode(JSON.stringify(descriptor)).length;
}
