import type { ByteStream, Target } from "../content/mod.ts";
import { hasCode, SatchelError } from "../error.ts";
import type { Descriptor, Digest } from "../oci/mod.ts";
import type { Poured, PourOptions } from "./archive.ts";
import type { ArchiveStream, PassingFile } from "./files.ts";
import { digestOfPath } from "./layout.ts";

/** Puts what goes by in a stream into a target; see {@link Archive.pour}. */
export async function pourStream(
  stream: ArchiveStream,
  target: Target,
  wanted: readonly Descriptor[],
  options: PourOptions,
): Promise<Poured> {
  const left = new Map<Digest, Descriptor>(wanted.map((descriptor) => [descriptor.digest, descriptor]));
  stream.announce([...left.values()].reduce((sum, { size }) => sum + size, 0));
  for (let file = await stream.next(options); file; file = await stream.next(options)) {
    const digest = digestOfPath(file.path);
    const descriptor = digest && left.get(digest);
    if (!descriptor) continue;
    left.delete(descriptor.digest);
    try {
      await take(file, descriptor, target, options);
    } catch (error) {
      if (!options.onDamaged || !hasCode(error, "integrity")) throw error;
      options.onDamaged(descriptor, error);
    }
  }
  return { missing: [...left.values()] };
}

async function take(file: PassingFile, descriptor: Descriptor, target: Target, options: PourOptions): Promise<void> {
  const { signal, onBytes = () => {} } = options;
  const { digest, size } = descriptor;
  if (file.size !== size) {
    throw new SatchelError("integrity", `${digest} has ${file.size} bytes, not ${size} as its image says`);
  }
  if (await target.has(descriptor, { signal })) return onBytes(size);
  await target.push(descriptor, { once: true, open: () => counted(file.read(), onBytes) }, { signal });
}

async function* counted(stream: ByteStream, onBytes: (bytes: number) => void): ByteStream {
  for await (const chunk of stream) {
    onBytes(chunk.length);
    yield chunk;
  }
}
