import { hasCode, SatchelError, withContext } from "../../lib/error.ts";
import { readSourceDateEpoch } from "../../lib/gadget/build/created.ts";
import { type Digest, formatReference } from "../../lib/oci/mod.ts";
import type { Artifact, SignRequest } from "../../lib/plugin/contract.ts";
import type { PluginHost } from "../../lib/plugin/mod.ts";
import { isSet } from "../line/flags.ts";
import { readImageName } from "../line/image_name.ts";
import type { Environment, Invocation } from "../line/invocation.ts";
import { openSigningPlugins } from "../open/signing_plugins.ts";
import { EXIT_OK } from "../output/exit.ts";
import { outputMode, printResult } from "../output/output.ts";
import { openReporter } from "../output/reporter.ts";
import { loadSettings } from "../settings/settings.ts";
import { attachAll, type AttachedReport, findToAttach } from "../signing/attach_place.ts";
import { type Signer, signerByFlags } from "../signing/key.ts";
import { pluginEnvironment } from "../signing/plugin_environment.ts";
import { warnOfIg } from "../signing/seen_by_ig.ts";
import { annotationsOf } from "../signing/trust.ts";
import { nameWithDigest } from "./transfer.ts";

/** What `-o json` prints of a signature. Members are never renamed or removed, but more may come. */
interface SignReport {
  /** The full name. */
  image: string;
  /** What was signed, which the name stood for. */
  digest: Digest;
  /** Where the signature is. */
  place: "store" | "registry";
  signatures: AttachedReport[];
}

/** `satchel image sign IMAGE`: signs what the name stands for, and attaches the signature to it. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, signal, environment, arguments: [typed] } = invocation;
  const settings = await loadSettings(invocation);
  const image = readImageName(typed);
  const name = formatReference(image);
  const annotations = annotationsOf(flags) ?? {};
  const time = signingTime(environment);
  using reporter = openReporter(settings, signal);
  const forPlugins = { signal, environment: pluginEnvironment(invocation) };
  await using plugins = await openSigningPlugins(settings, forPlugins, reporter);
  const isRemote = isSet(flags, "remote");
  try {
    const context = { settings, reporter, plugins, signal };
    const to = await findToAttach(image, isRemote, context);
    const { mediaType, digest, size } = to.subject;
    const signer = await signerByFlags(invocation, reporter);
    const request = { reference: name, subject: { mediaType, digest, size }, annotations, time, ...signer.request };
    const artifacts = await makeSignatures(plugins, signer, request);
    const signatures = await attachAll(to, artifacts, signal);
    await warnOfIg(to, signatures, context).catch((error: unknown) => {
      // The signature is there, and that is what was asked for.
      if (!(error instanceof SatchelError)) throw error;
      reporter.detail(error.message);
    });
    reporter.finish();
    for (const made of signatures) reporter.detail(`Attached: ${made.digest} (${made.artifactType})`);
    const report: SignReport = { image: name, digest, place: isRemote ? "registry" : "store", signatures };
    const text = () => settings.quiet ? "" : `Successfully signed ${nameWithDigest(image, to.subject)}\n`;
    await printResult(outputMode(flags), report, text);
    return EXIT_OK;
  } catch (error) {
    throw withContext(`signing ${name}`, error);
  }
}

/** What a plugin that is built in says needs neither its name nor its file. */
async function makeSignatures(
  plugins: PluginHost,
  { plugin, isBuiltin, from }: Signer,
  request: SignRequest,
): Promise<readonly Artifact[]> {
  try {
    const { artifacts } = await plugins.sign(plugin, request);
    if (artifacts.length > 0) return artifacts;
    throw new SatchelError("plugin", `the plugin ${plugin} has made no signature`);
  } catch (error) {
    if (!isBuiltin || !hasCode(error, "plugin") || !hasCode(error.cause, "plugin")) throw error;
    throw new SatchelError("plugin", `${from}: ${error.cause.message}`, { cause: error });
  }
}

/** In seconds since 1970. */
function signingTime({ SOURCE_DATE_EPOCH }: Environment): number {
  if (SOURCE_DATE_EPOCH === undefined) return Math.floor(Date.now() / 1000);
  const seconds = readSourceDateEpoch(SOURCE_DATE_EPOCH);
  // Signatures have years of four digits.
  if (seconds >= 0n && seconds < 253_402_300_800n) return Number(seconds);
  throw new SatchelError(
    "usage",
    `SOURCE_DATE_EPOCH ${seconds} is no time of a signature: it is before 1970 or after 9999`,
  );
}
