import { type Descriptor, digestHex, MediaType } from "../oci/mod.ts";
import type { Commit, Content, FetchOptions } from "./content.ts";
import { MemoryRepository } from "./memory.ts";

/** A multi-platform image: an index, two manifests that share a config, a layer each, and what was done with them. */
export function makeImage(repository: MemoryRepository, tag = "v1") {
  const config = repository.add("application/vnd.example.config.v1+yaml", "name: example");
  const platforms = ["amd64", "arm64"].map((architecture) => {
    const layer = repository.add("application/vnd.example.layer.v1", `a program for ${architecture}`);
    const manifest = repository.addManifest({ mediaType: MediaType.ociManifest, config, layers: [layer] });
    return { layer, manifest, platform: { architecture, os: "linux" } };
  });
  const manifests = platforms.map(({ manifest, platform }) => ({ ...manifest, platform }));
  const index = repository.addManifest({ mediaType: MediaType.ociIndex, manifests }, tag);
  return { config, platforms, index };
}

export function attach(repository: MemoryRepository, subject: Descriptor, artifactType: string): Descriptor {
  const config = repository.add(MediaType.empty, "{}");
  const layer = repository.add("application/octet-stream", `${artifactType} for ${subject.digest}`);
  return repository.addManifest({ mediaType: MediaType.ociManifest, artifactType, config, layers: [layer], subject });
}

export const cosignTag = (subject: Descriptor, suffix: string) => `sha256-${digestHex(subject.digest)}${suffix}`;

/** A source that counts what is read from it. */
export class CountingRepository extends MemoryRepository {
  readonly fetched: string[] = [];
  override fetch(descriptor: Descriptor, options?: FetchOptions) {
    this.fetched.push(descriptor.digest);
    return super.fetch(descriptor, options);
  }
}

/** A target that remembers the order in which content became visible. */
export class RecordingRepository extends MemoryRepository {
  readonly pushed: string[] = [];
  commits = 0;
  override async push(descriptor: Descriptor, content: Content) {
    await super.push(descriptor, content);
    this.pushed.push(descriptor.digest);
  }
  override async commit(commit: Commit) {
    this.commits++;
    await super.commit(commit);
  }
}
