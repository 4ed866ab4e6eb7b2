import type { Source, Target } from "../../lib/content/mod.ts";
import { SatchelError } from "../../lib/error.ts";
import type { Digest, Reference } from "../../lib/oci/mod.ts";
import { type FlagValues, isSet, listOf } from "../line/flags.ts";
import type { Invocation } from "../line/invocation.ts";
import type { Reporter } from "../output/reporter.ts";
import type { Settings } from "../settings/settings.ts";

/** An image on its way into the store. */
export interface Incoming {
  /** The names whose rules it has to meet: the one that it gets and, where it comes from a registry, the one that it has there. */
  names: readonly Reference[];
  /** Where it goes; it can read what was pushed there. */
  place: Source;
  /** Where its signatures are, if they do not come along. */
  elsewhere?: Source;
}

/** What stands before the store: the policy of the configuration files. */
export interface PolicyGate extends AsyncDisposable {
  /**
   * Makes sure that an image may have its names.
   *
   * @throws {SatchelError} `refused`
   */
  checkNames(names: readonly Reference[], digest?: Digest): void;
  /** Puts {@link PolicyGate.checkNames} in front of a source, before anything but the name was asked for. */
  source(source: Source, from: string, names: readonly Reference[]): Source;
  /** Puts the check of signatures in front of a target: of the very digest that is about to get the name, before it has it. */
  target(target: Target, incoming: Incoming): Target;
}

/** What stands there if nobody demands anything. */
const OPEN: PolicyGate = {
  checkNames: () => {},
  source: (source) => source,
  target: (target) => target,
  async [Symbol.asyncDispose]() {},
};

/** Opens the gate of a command. Nothing that knows signatures is loaded before one is judged. */
export async function openPolicyGate(
  settings: Settings,
  invocation: Pick<Invocation, "flags" | "environment" | "signal">,
  reporter: Reporter,
): Promise<PolicyGate> {
  const byFlag = allowedByFlag(invocation.flags);
  if (settings.policies.length === 0 && byFlag.length === 0) return OPEN;
  const { guardedGate } = await import("./enforce.ts");
  return guardedGate({
    settings,
    reporter,
    environment: invocation.environment,
    signal: invocation.signal,
    allowedByFlag: byFlag,
    isVerifying: isSet(invocation.flags, "verify", true),
  });
}

/**
 * The names that `--allowed-gadgets` lets in; none without the flag.
 *
 * @throws {SatchelError} `usage` if it is there and empty, as a variable may be: it would let in all
 */
export function allowedByFlag(flags: FlagValues): readonly string[] {
  const names = listOf(flags, "allowed-gadgets");
  if (!flags.has("allowed-gadgets") || names.some((name) => name.trim() !== "")) return names;
  throw new SatchelError("usage", "--allowed-gadgets names nothing that may come in");
}
