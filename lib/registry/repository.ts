import { SatchelError } from "../error.ts";
import {
  type ByteStream,
  type Commit,
  contentOf,
  type ContentOptions,
  type CopiedManifest,
  type NamedManifest,
  readVerified,
  type Source,
  type Target,
} from "../content/mod.ts";
import {
  type Descriptor,
  type Digest,
  formatRepository,
  isDigest,
  isManifestType,
  isTag,
  MANIFEST_MEDIA_TYPES,
  MAX_MANIFEST_SIZE,
  parseManifest,
  referrerDescriptor,
  tooLarge,
} from "../oci/mod.ts";
import { type Client, createClient } from "./client.ts";
import { download } from "./download.ts";
import { hasContent } from "./exists.ts";
import { addToFallbackTag } from "./fallback_tag.ts";
import { fetchManifest, putManifest } from "./manifests.ts";
import type { RegistryOptions } from "./options.ts";
import { createReferrerLister, type ReferrerLister } from "./referrers.ts";
import { setTag } from "./set_tag.ts";
import { listTags } from "./tags.ts";
import { uploadBlob } from "./upload.ts";

/** A manifest with a subject that was pushed here. */
interface PushedReferrer {
  entry: Descriptor;
  /** The registry said that it lists it among the subject's referrers by itself (distribution-spec 1.1, `OCI-Subject`). */
  listed: boolean;
}

/**
 * Opens a repository by the OCI distribution API. No request is made before it is used, but connections are opened.
 *
 * @throws {SatchelError} `usage` if the registry's name, though well-formed, is no address
 *
 * @example
 * ```ts
 * const repository = openRepository({ registry: "ghcr.io", repository: "inspektor-gadget/gadget/trace_open" });
 * const { descriptor } = await repository.resolve("latest");
 * ```
 */
export function openRepository(
  ref: { registry: string; repository: string },
  options: RegistryOptions = {},
): Source & Target {
  const client = createClient(ref, options);
  const lister = createReferrerLister(client, options.onReferrersDenied);
  const pushed = new Map<Digest, PushedReferrer>();

  return {
    name: formatRepository(ref),
    manifestsAreComplete: true,

    async resolve(reference, { signal } = {}) {
      // Anything else could lead to another endpoint.
      if (!isTag(reference) && !isDigest(reference)) {
        throw new SatchelError("usage", `${JSON.stringify(reference)} is neither a tag nor a digest`);
      }
      const { descriptor, bytes } = await fetchManifest(client, reference, signal);
      return { descriptor, bytes };
    },

    fetch(descriptor, fetchOptions = {}) {
      if (isManifestType(descriptor.mediaType)) return fetchAsManifest(client, descriptor, fetchOptions);
      return download(client, descriptor, fetchOptions);
    },

    referrers: (subject, { signal } = {}) => lister.list(subject.digest, signal),

    async prepare() {},

    async has(descriptor, { signal } = {}) {
      if (!isManifestType(descriptor.mediaType)) {
        return await hasContent(client, `blobs/${descriptor.digest}`, descriptor, {}, signal);
      }
      const headers = { accept: MANIFEST_MEDIA_TYPES.join(", ") };
      return await hasContent(client, `manifests/${descriptor.digest}`, descriptor, headers, signal);
    },

    // A registry could hand it out, but that is a transfer as from any source.
    readManifest: () => Promise.resolve(undefined),

    async push(descriptor, content, pushOptions = {}) {
      if (!isManifestType(descriptor.mediaType)) {
        const mountFrom = options.mountFrom?.(descriptor).find((repository) => repository !== ref.repository);
        const result = await uploadBlob(client, descriptor, content, mountFrom, pushOptions);
        if (result === "mounted") pushOptions.onMounted?.();
        return;
      }
      const { signal } = pushOptions;
      const bytes = await readVerified(content.open(), descriptor, MAX_MANIFEST_SIZE);
      const manifest = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
      const listedSubject = await putManifest(client, descriptor.digest, descriptor, bytes, { signal });
      if (!manifest.subject) return;
      const listed = checkSubject(client, manifest.subject.digest, listedSubject);
      pushed.set(descriptor.digest, { entry: referrerDescriptor(descriptor, manifest), listed });
    },

    async commit(commit, { signal } = {}) {
      await listReferrers(client, lister, pushed, commit, signal);
      const setName = (name: NamedManifest) => setTag(client, name, signal);
      // What belongs to the image is named at once, and the image itself when all of that is there.
      await Promise.all(commit.names.slice(0, -1).map(setName));
      await Promise.all(commit.names.slice(-1).map(setName));
    },

    tags: ({ signal } = {}) => listTags(client, signal),
  };
}

async function* fetchAsManifest(
  client: Client,
  descriptor: Descriptor,
  { offset = 0, signal }: ContentOptions & { offset?: number },
): ByteStream {
  if (descriptor.size > MAX_MANIFEST_SIZE) throw tooLarge(descriptor.digest, descriptor.size);
  const found = await fetchManifest(client, descriptor.digest, signal);
  if (found.descriptor.mediaType !== descriptor.mediaType) {
    throw new SatchelError(
      "invalid",
      `${descriptor.digest} was announced as ${descriptor.mediaType}, but ${client.registry.host} sends it as ${found.descriptor.mediaType}`,
    );
  }
  yield* contentOf(found.bytes).open(offset);
}

/** Whether the registry keeps the list itself; what it says about another subject is an error. */
function checkSubject(client: Client, subject: Digest, header: string | undefined): boolean {
  if (header === undefined) return false;
  if (header === subject) return true;
  throw new SatchelError(
    "registry",
    `${client.registry.host} took a manifest that refers to ${subject} for one that refers to another`,
  );
}

/** Sees to it that every referrer is in its subject's list, where the registry does not keep that list. */
async function listReferrers(
  client: Client,
  lister: ReferrerLister,
  pushed: ReadonlyMap<Digest, PushedReferrer>,
  { manifests }: Commit,
  signal: AbortSignal | undefined,
): Promise<void> {
  const missing = new Map<Digest, CopiedManifest[]>();
  for (const manifest of manifests) {
    if (!manifest.subject || pushed.get(manifest.descriptor.digest)?.listed) continue;
    const { digest } = manifest.subject;
    missing.set(digest, [...missing.get(digest) ?? [], manifest]);
  }
  await Promise.all([...missing].map(async ([subject, referrers]) => {
    const isNew = referrers.some(({ descriptor }) => pushed.has(descriptor.digest));
    // What was there before may be in the list already; what the registry did not list itself needs the tag.
    if (!isNew && await lister.hasApi(subject, signal)) return;
    const entries = await Promise.all(
      referrers.map(({ descriptor }) => pushed.get(descriptor.digest)?.entry ?? readEntry(client, descriptor, signal)),
    );
    await addToFallbackTag(client, subject, entries, signal);
  }));
}

async function readEntry(client: Client, descriptor: Descriptor, signal: AbortSignal | undefined): Promise<Descriptor> {
  const found = await fetchManifest(client, descriptor.digest, signal);
  return referrerDescriptor(found.descriptor, found.manifest);
}
