import { attachmentTags, type SignatureFormat, signatureFormat } from "../../content/mod.ts";
import { type Descriptor, type Digest, referrerDescriptor } from "../../oci/mod.ts";
import { type PageSource, readManifest } from "./read.ts";

/** Something that refers to an image. */
export interface PageAttachment {
  /** With the type and the annotations of its manifest. */
  descriptor: Descriptor;
  /** The tag of cosign that it lies under. */
  tag?: string;
  /** How it is kept, if it looks like a signature. */
  format?: SignatureFormat;
}

/** All that refers to an image: by its subject, and by cosign's tags. */
export async function attachmentsOf(source: PageSource, subject: Digest): Promise<PageAttachment[]> {
  const { repository, signal } = source;
  const referrers = await repository.referrers(subject, { signal });
  const found: PageAttachment[] = referrers.map((descriptor) => ({ descriptor }));
  for (const tag of attachmentTags(subject)) {
    const read = await readManifest(source, tag);
    if (read.state === "ok") found.push({ descriptor: referrerDescriptor(read.descriptor, read.manifest), tag });
  }
  return found.map((each) => {
    const { tag, descriptor: { artifactType, annotations } } = each;
    const format = signatureFormat({ tag, artifactType }, annotations ?? {});
    return format ? { ...each, format } : each;
  });
}
