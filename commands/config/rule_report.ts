import type { CertificateIdentity } from "../../lib/plugin/contract.ts";
import type { NotationFiles, VerifyRule } from "../../lib/signing/policy.ts";

/** Stands for a key whose text is in the configuration file itself. */
const INLINE = "PEM";

/** A rule of `verify`, in the form that a file has it in. */
export interface RuleReport {
  images: readonly string[];
  required: boolean;
  overridable: boolean;
  /** Paths; `PEM` for a key whose text is in the file. */
  keys?: readonly string[];
  identities?: readonly CertificateIdentity[];
  trustedRoot?: string;
  notation?: NotationFiles;
  plugins?: readonly string[];
  annotations?: { readonly [name: string]: string };
  checkName?: boolean;
}

/** What programs are shown of a rule. */
export function ruleReport({ images, signers, overridable }: VerifyRule): RuleReport {
  const report = { images: images.map(({ text }) => text), required: signers !== undefined, overridable };
  if (!signers) return report;
  const { keys, identities, plugins, ...others } = signers;
  return {
    ...report,
    ...(keys.length > 0 && { keys: keys.map(keyText) }),
    ...(identities.length > 0 && { identities }),
    ...(plugins.length > 0 && { plugins }),
    ...others,
  };
}

function keyText({ path, text }: NonNullable<VerifyRule["signers"]>["keys"][number]): string {
  if (path !== undefined) return path;
  return text.trimStart().startsWith("-----BEGIN") ? INLINE : text;
}
