import { SatchelError } from "../../lib/error.ts";
import type { SignRequest } from "../../lib/plugin/contract.ts";
import { printable } from "../../lib/printable.ts";
import { type FlagValues, textOf } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import type { Reporter } from "../output/reporter.ts";
import { passwordFor } from "./password.ts";
import { pemBlocks } from "./pem.ts";
import { type GivenText, readGivenText } from "./texts.ts";

/** What stands before the name of a plugin that has the key. */
const PLUGIN = "plugin:";

/** Others than its owner may read it. */
const READABLE_BY_OTHERS = 0o044;

/** Whoever signs, and by what. */
export interface Signer {
  plugin: string;
  /** Whether it is built in: keys themselves are for those alone. */
  isBuiltin: boolean;
  /** What the key is called, for messages. */
  from: string;
  request: Pick<SignRequest, "key" | "password" | "certificateChain" | "format">;
}

/**
 * Reads what the flags say of the key.
 *
 * @throws {SatchelError} `usage` for what cannot be read, is no key or does not go together; `cancelled`
 */
export async function signerByFlags(invocation: Invocation, reporter: Reporter): Promise<Signer> {
  const { flags } = invocation;
  const key = textOf(flags, "key");
  const notationKey = textOf(flags, "notation-key");
  if (key !== undefined && notationKey !== undefined) {
    throw new SatchelError("usage", "--key and --notation-key do not go together: sign twice");
  }
  if (notationKey !== undefined) return await notationSigner(notationKey, invocation, reporter);
  if (textOf(flags, "notation-cert-chain") !== undefined) {
    throw new SatchelError("usage", "--notation-cert-chain needs --notation-key");
  }
  if (key === undefined) {
    throw new SatchelError("usage", "there is no key to sign with", {
      hint: "Name one with --key or --notation-key; `satchel key generate` makes a pair.",
    });
  }
  const format = formatOf(flags);
  if (key.startsWith(PLUGIN)) return pluginSigner(key, format);
  const given = await readKey("--key", key, invocation, reporter);
  return { plugin: "cosign", isBuiltin: true, ...given, request: { ...given.request, ...(format && { format }) } };
}

/** `plugin:NAME:WORDS`; the words are for the plugin to understand. */
function pluginSigner(value: string, format: SignRequest["format"]): Signer {
  const [, name, words] = /^plugin:([^:]+)(?::(.*))?$/s.exec(value) ?? [];
  if (name === undefined) {
    throw new SatchelError("usage", `--key ${printable(value, 200)} names no plugin`, {
      hint: "It is plugin:NAME, or plugin:NAME:WORDS with words for the plugin.",
    });
  }
  const request = { ...(words !== undefined && { key: words }), ...(format && { format }) };
  return { plugin: name, isBuiltin: false, from: `${PLUGIN}${name}`, request };
}

async function notationSigner(value: string, invocation: Invocation, reporter: Reporter): Promise<Signer> {
  const { flags, environment } = invocation;
  if (textOf(flags, "format") !== undefined) {
    throw new SatchelError("usage", "--format is for --key; what --notation-key signs is JWS");
  }
  const chain = textOf(flags, "notation-cert-chain");
  if (chain === undefined) throw new SatchelError("usage", "--notation-key needs --notation-cert-chain");
  const options = { flag: "--notation-cert-chain", start: "-----BEGIN", environment } as const;
  const { text, from } = readGivenText(chain, options);
  const certificates = pemBlocks(text);
  if (certificates.length === 0 || certificates.some(({ label }) => label !== "CERTIFICATE")) {
    throw new SatchelError(
      "usage",
      `--notation-cert-chain needs certificates in PEM, and ${printable(from)} has others`,
    );
  }
  const given = await readKey("--notation-key", value, invocation, reporter);
  const certificateChain = certificates.map((block) => block.text).join("");
  return {
    plugin: "notation",
    isBuiltin: true,
    ...given,
    request: { ...given.request, certificateChain, format: "jws" },
  };
}

/** Reads a key from a file or a variable: on a command line everybody could see it. */
async function readKey(
  flag: string,
  value: string,
  invocation: Invocation,
  reporter: Reporter,
): Promise<Pick<Signer, "from" | "request">> {
  if (/^\s*-----BEGIN/.test(value)) {
    throw new SatchelError("usage", `${flag} takes no key itself: everybody on this host could see it`, {
      hint: "Name its file, or env://NAME for a variable.",
    });
  }
  const options = { flag, start: "-----BEGIN", environment: invocation.environment, isSecret: true } as const;
  const given = readGivenText(value, options);
  const key = pemBlocks(given.text).find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (!key) {
    throw new SatchelError("usage", `${flag}: there is no private key in ${printable(given.from)}`, {
      hint: "It is PEM, and begins with -----BEGIN ... PRIVATE KEY-----.",
    });
  }
  warnOfReaders(given, reporter);
  const isEncrypted = key.label.startsWith("ENCRYPTED ");
  const password = isEncrypted ? await passwordFor(given.from, invocation) : undefined;
  return { from: given.from, request: { key: given.text, ...(password !== undefined && { password }) } };
}

function warnOfReaders({ from, stat }: GivenText, reporter: Reporter): void {
  if (!stat || (stat.mode & READABLE_BY_OTHERS) === 0) return;
  reporter.warn(`${from} can be read by other users: chmod 600 ${from}`);
}

function formatOf(flags: FlagValues): SignRequest["format"] {
  const format = textOf(flags, "format");
  return format === "bundle" || format === "oci-1.1" || format === "legacy" ? format : undefined;
}
