/** Media types of the OCI image-spec 1.1 and of Docker's image manifest v2, schema 2. */
export const MediaType = {
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  /** Withdrawn before image-spec 1.1 was final, still found in registries. */
  ociArtifact: "application/vnd.oci.artifact.manifest.v1+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  /** Docker's schema 1; it has no digest of its own, so satchel does not carry it. */
  dockerSchema1: "application/vnd.docker.distribution.manifest.v1+json",
  dockerSchema1Signed: "application/vnd.docker.distribution.manifest.v1+prettyjws",
  empty: "application/vnd.oci.empty.v1+json",
} as const;

/** What a registry is told in `Accept` when a manifest is asked for. */
export const MANIFEST_MEDIA_TYPES: readonly string[] = [
  MediaType.ociIndex,
  MediaType.ociManifest,
  MediaType.ociArtifact,
  MediaType.dockerList,
  MediaType.dockerManifest,
];

/** The three shapes that a manifest can have. */
export type ManifestKind = "index" | "image" | "artifact";

/** The shape that a media type announces, or `undefined` if it is not that of a manifest. */
export function manifestKind(mediaType: string): ManifestKind | undefined {
  switch (mediaType) {
    case MediaType.ociIndex:
    case MediaType.dockerList:
      return "index";
    case MediaType.ociManifest:
    case MediaType.dockerManifest:
      return "image";
    case MediaType.ociArtifact:
      return "artifact";
    default:
      return undefined;
  }
}

/** Whether content of this type is a manifest, which has an endpoint of its own and points to other content. */
export function isManifestType(mediaType: string): boolean {
  return manifestKind(mediaType) !== undefined;
}

/**
 * Whether a layer of this type must stay where its `urls` say and is never in a registry or a store
 * (image-spec 1.1, layer.md, "Non-Distributable Layers"; Docker's foreign layers).
 */
export function isForeignLayerType(mediaType: string): boolean {
  return mediaType.startsWith("application/vnd.oci.image.layer.nondistributable.") ||
    mediaType.startsWith("application/vnd.docker.image.rootfs.foreign.");
}
