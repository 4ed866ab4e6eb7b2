import { Buffer } from "node:buffer";
import { SatchelError, withContext } from "../../lib/error.ts";
import { type Descriptor, type Digest, digestHex, formatReference } from "../../lib/oci/mod.ts";
import type { Artifact } from "../../lib/plugin/contract.ts";
import { printable } from "../../lib/printable.ts";
import { isSet, textOf } from "../line/flags.ts";
import { readImageName } from "../line/image_name.ts";
import type { Invocation } from "../line/invocation.ts";
import { openCommandPlugins } from "../open/plugins.ts";
import { EXIT_OK } from "../output/exit.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter, type Reporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import { attachAll, type AttachedReport, findToAttach } from "../signing/attach_place.ts";
import {
  type AttachedFile,
  attestationKind,
  type FileKind,
  readAttachedFile,
  sbomKind,
} from "../signing/attached_file.ts";
import { annotationsOf } from "../signing/trust.ts";
import { nameWithDigest } from "./transfer.ts";

/** What `-o json` prints. Members are never renamed or removed, but more may come. */
interface AttachReport {
  /** The full name. */
  image: string;
  /** What the name stood for. */
  digest: Digest;
  /** Where it is attached. */
  place: "store" | "registry";
  attached: AttachedReport;
}

/** `satchel image attach IMAGE FILE`: attaches a file to what the name stands for, as a referrer. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, signal, arguments: [typed, path] } = invocation;
  const settings = await loadSettings(invocation);
  const image = readImageName(typed);
  const name = formatReference(image);
  const annotations = annotationsOf(flags);
  const readKind = kindReader(textOf(flags, "type"));
  const file = await readAttachedFile(path, signal);
  const kind = readKind(file);
  using reporter = openReporter(settings, signal);
  await using plugins = await openCommandPlugins(settings, invocation, reporter);
  const isRemote = isSet(flags, "remote");
  try {
    const to = await findToAttach(image, isRemote, { settings, reporter, plugins, signal });
    warnOfOtherSubject(kind, to.subject, reporter);
    const [attached] = await attachAll(to, [artifactOf(file, kind, annotations)], signal);
    reporter.finish();
    const { digest } = to.subject;
    const report: AttachReport = { image: name, digest, place: isRemote ? "registry" : "store", attached };
    const done = `Successfully attached ${attached.digest} (${kind.mediaType}) to ${
      nameWithDigest(image, to.subject)
    }\n`;
    await printResult(outputMode(flags), report, () => settings.quiet ? "" : done);
    return EXIT_OK;
  } catch (error) {
    throw withContext(`attaching to ${name}`, error);
  }
}

function kindReader(type: string | undefined): (file: AttachedFile) => FileKind {
  if (type === "sbom") return sbomKind;
  if (type === "attestation") return attestationKind;
  // RFC 6838, section 4.2.
  if (type && type.length <= 255 && /^[a-z0-9][\w.+-]*\/[a-z0-9][\w.+-]*$/i.test(type)) {
    return () => ({ mediaType: type });
  }
  const found = type === undefined ? "" : `, not ${printable(JSON.stringify(type), 200)}`;
  throw new SatchelError("usage", `--type has to be sbom, attestation or a media type${found}`);
}

function artifactOf(
  { name, bytes }: AttachedFile,
  { mediaType, annotations: own }: FileKind,
  given: Record<string, string> | undefined,
): Artifact {
  const annotations = { ...own, ...given };
  return {
    artifactType: mediaType,
    layers: [{
      mediaType,
      data: Buffer.from(bytes).toString("base64"),
      // By this oras names the file that it writes.
      ...(name !== undefined && { annotations: { "org.opencontainers.image.title": name } }),
    }],
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}

/** It may be meant for one platform of the image, so it is no reason to refuse it. */
function warnOfOtherSubject({ subjects }: FileKind, { digest }: Descriptor, reporter: Reporter): void {
  if (!subjects || subjects.includes(digestHex(digest))) return;
  reporter.warn(
    `the attestation is not about ${digest}, but about ${
      subjects.length === 0 ? "nothing with a digest" : "other digests"
    }`,
  );
}
