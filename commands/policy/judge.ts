import type { Source } from "../../lib/content/mod.ts";
import { withContext } from "../../lib/error.ts";
import { type Descriptor, formatReference, type Reference } from "../../lib/oci/mod.ts";
import type { PluginHost } from "../../lib/plugin/mod.ts";
import type { VerifyTrust } from "../../lib/plugin/contract.ts";
import {
  type RuleMatch,
  type SignatureVerdict,
  type Signers,
  type Verification,
  verifyImage,
} from "../../lib/signing/mod.ts";
import type { Invocation } from "../line/invocation.ts";
import { openSigningPlugins } from "../open/signing_plugins.ts";
import type { Reporter } from "../output/reporter.ts";
import { HOST_FOLDER, type PluginSettings } from "../settings/plugin_settings.ts";
import type { Settings } from "../settings/settings.ts";

/** What judging needs of the command that it is for. */
export interface JudgeContext extends Pick<Invocation, "environment" | "signal"> {
  settings: Settings;
  reporter: Reporter;
}

/** An image that a rule is for. */
export interface RuledImage {
  name: Reference;
  /** What the name stands for. */
  subject: Descriptor;
  /** Has its signatures. */
  source: Source;
}

/** Judges images by rules. */
export interface RuleJudge extends AsyncDisposable {
  /**
   * Judges an image by its signatures.
   *
   * @throws {SatchelError} `refused` if what the rule names cannot be read
   */
  judge(match: RuleMatch, signers: Signers, image: RuledImage): Promise<Verification>;
}

/** Opens a judge; plugins are loaded and files are read when a rule first needs them. */
export function openRuleJudge(context: JudgeContext): RuleJudge {
  const { settings, reporter, signal } = context;
  const hosts = new Map<string, Promise<PluginHost>>();
  const trusts = new Map<Signers, VerifyTrust>();

  const hostFor = (match: RuleMatch, { plugins }: Signers) => {
    const some = pluginsFor(match, plugins, settings.plugins);
    const key = JSON.stringify(some);
    let host = hosts.get(key);
    if (!host) hosts.set(key, host = openSigningPlugins({ ...settings, plugins: some }, context, reporter));
    return host;
  };
  const trustBy = async ({ policy, rule }: RuleMatch, signers: Signers) => {
    const known = trusts.get(signers);
    if (known) return known;
    const { readSigners } = await import("./signers.ts");
    try {
      const trust = readSigners(signers, policy);
      trusts.set(signers, trust);
      return trust;
    } catch (error) {
      throw withContext(`the rule at ${rule.from} cannot be applied`, error);
    }
  };

  return {
    async judge(match, signers, { name, subject, source }) {
      const trust = await trustBy(match, signers);
      const host = await hostFor(match, signers);
      const judges = judgesBy(signers);
      return await verifyImage(
        { source, reference: formatReference(name), subject, trust },
        async (request) => {
          const verdicts = (await host.verify(request)).filter(({ plugin }) => judges.has(plugin));
          return [...verdicts, ...missing(signers, verdicts)];
        },
        { signal, onWarning: reporter.warn },
      );
    },
    async [Symbol.asyncDispose]() {
      for (const host of await Promise.allSettled(hosts.values())) {
        if (host.status === "fulfilled") await host.value[Symbol.asyncDispose]();
      }
    },
  };
}

/** Whose word counts by a rule: any other plugin could say that an image is good. */
function judgesBy({ keys, identities, notation, plugins }: Signers): ReadonlySet<string> {
  return new Set([
    ...(keys.length + identities.length > 0 ? ["cosign"] : []),
    ...(notation ? ["notation"] : []),
    ...plugins,
  ]);
}

/** What stands for plugins that the rule names and nobody could ask: else it would only be said that there is no signature. */
function missing({ plugins }: Signers, verdicts: readonly SignatureVerdict[]): SignatureVerdict[] {
  return plugins.filter((name) => !verdicts.some(({ plugin }) => plugin === name)).map((plugin) => {
    const reason = "it is not there, or judges no signatures";
    return { plugin, verdict: "none", reason, evidence: [{ format: `plugin ${plugin}`, isGood: false, reason }] };
  });
}

/** A rule of the host's file believes plugins of the host alone: under the same name the user could have another one. */
function pluginsFor({ policy }: RuleMatch, wanted: readonly string[], all: PluginSettings): PluginSettings {
  if (wanted.length === 0) return { named: [], folders: [] };
  if (!policy.isOfHost) return all;
  return {
    named: all.named.filter(({ from }) => from.startsWith(`${policy.file}:`)),
    folders: all.folders.filter((folder) => folder === HOST_FOLDER),
  };
}
