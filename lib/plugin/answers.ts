import { SatchelError } from "../error.ts";
import { parseJson } from "../oci/json.ts";
import type {
  HookName,
  PluginCredential,
  SignAnswer,
  TransferAnswer,
  TransferHookName,
  VerifyAnswer,
} from "./contract.ts";
import { anything, bool, integer, invalid, list, object, oneOf, record, type Shape, text } from "./shape.ts";

/** The version of the contract that this program speaks. */
export const CONTRACT = 1;

/** How long an answer may be, in bytes of JSON. */
export const ANSWER_LIMIT = 4 << 20;

/** How long a manifest may be, in bytes of JSON. */
export const MANIFEST_LIMIT = 64 << 10;

/** What a plugin says of itself, checked. Of an executable it has no commands. */
export interface PluginManifest {
  name: string;
  description?: string;
  version?: string;
  hooks: readonly HookName[];
  commands: readonly CheckedCommand[];
}

/** A subcommand, without its code. */
export interface CheckedCommand {
  name: string;
  short: string;
  long?: string;
  usage?: string;
  arguments: { min: number; max: number };
  flags: readonly CheckedFlag[];
}

/** A flag of a subcommand. */
export interface CheckedFlag {
  name: string;
  short?: string;
  type: "bool" | "string" | "strings";
  usage: string;
}

/** What each hook answers. */
export interface Answers extends Record<TransferHookName, TransferAnswer> {
  "credentials.get": { credential?: PluginCredential };
  "credentials.store": { stored: boolean };
  "credentials.erase": { erased: boolean };
  "credentials.list": { registries: string[] };
  sign: SignAnswer;
  verify: VerifyAnswer;
}

const NAME = /^[a-z][a-z0-9-]*$/;
const NAME_RULE = "a name of small letters, digits and dashes that begins with a letter";
// deno-lint-ignore no-control-regex -- control characters are what this is about
const LINE = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/;
const LINE_RULE = "one line";

const name = text(64, NAME, NAME_RULE);
const line = text(300, LINE, LINE_RULE);
const prose = text(10_000);
const mediaType = text(255, /^[\w.+-]+\/[\w.+-]+$/, "a media type");

const HOOKS = [
  "credentials.get",
  "credentials.store",
  "credentials.erase",
  "credentials.list",
  "beforePull",
  "afterPull",
  "beforePush",
  "afterPush",
  "beforeExport",
  "afterImport",
  "sign",
  "verify",
] as const satisfies readonly HookName[];

/** A password or a token goes into a header, so it is one line. */
const secret = text(64 << 10, LINE, LINE_RULE);

const credentialMembers = object({}, {
  username: text(1024, LINE, LINE_RULE),
  password: secret,
  identityToken: secret,
  registryToken: secret,
});

const credential: Shape<PluginCredential> = (value, at) => {
  const found = credentialMembers(value, at);
  const isAccount = found.username !== undefined && found.password !== undefined;
  if (found.identityToken || found.registryToken || isAccount) return found;
  throw invalid(`"${at}" has neither a username with a password nor a token`);
};

const refusal = object({ allow: bool }, { reason: text(10_000) });

const transfer: Shape<TransferAnswer> = (value, at) => {
  const { allow, reason } = refusal(value, at);
  if (allow) return { allow };
  if (reason === undefined) throw invalid(`"reason" is missing`);
  return { allow, reason };
};

const annotations = record(text(64 << 10), 100);

/** Content in base64. */
const data: Shape<string> = (value, at) => {
  const found = text(ANSWER_LIMIT)(value, at);
  if (found.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(found)) return found;
  throw invalid(`${JSON.stringify(at)} is not base64`);
};

const artifact = object({
  artifactType: mediaType,
  layers: list(object({ mediaType, data }, { annotations }), 64),
}, { annotations });

const ANSWERS: { readonly [Hook in HookName]: Shape<Answers[Hook]> } = {
  "credentials.get": object({}, { credential }),
  "credentials.store": object({ stored: bool }),
  "credentials.erase": object({ erased: bool }),
  "credentials.list": object({ registries: list(text(512, LINE, LINE_RULE), 10_000) }),
  beforePull: transfer,
  afterPull: transfer,
  beforePush: transfer,
  afterPush: transfer,
  beforeExport: transfer,
  afterImport: transfer,
  sign: object({ artifacts: list(artifact, 32) }),
  verify: object({ verified: bool, reason: prose, evidence: list(anything, 1000) }),
};

const commandArguments = object({
  min: integer(0, 1000),
  max: ((value, at) => value === null ? Infinity : integer(0, 1000)(value, at)) as Shape<number>,
});

const command = object({ name, short: line }, {
  long: prose,
  usage: line,
  arguments: commandArguments,
  flags: list(
    object({ name, type: oneOf("bool", "string", "strings"), usage: line }, {
      short: text(1, /^[A-Za-z]$/, "one letter"),
    }),
    100,
  ),
});

const manifest = object({ contract: integer(CONTRACT, CONTRACT), name, hooks: list(oneOf(...HOOKS), HOOKS.length) }, {
  description: line,
  version: text(100, LINE, LINE_RULE),
  commands: list(command, 100),
});

/**
 * Reads what a hook has answered.
 *
 * @param json the answer, UTF-8
 * @throws {SatchelError} `invalid`, which says what about the answer is against the contract, never what stands in it
 */
export function readAnswer<Hook extends HookName>(hook: Hook, json: Uint8Array): Answers[Hook] {
  return ANSWERS[hook](parsed(json, ANSWER_LIMIT, "the answer"), "");
}

/**
 * Reads what a plugin says of itself.
 *
 * @param json the manifest, UTF-8
 * @throws {SatchelError} `invalid`, which says what about it is against the contract
 */
export function readManifest(json: Uint8Array): PluginManifest {
  const value = parsed(json, MANIFEST_LIMIT, "the manifest");
  checkContract(value);
  const { contract: _, commands = [], hooks, ...rest } = manifest(value, "");
  return {
    ...rest,
    hooks: HOOKS.filter((hook) => hooks.includes(hook)),
    commands: commands.map(({ arguments: wanted, flags = [], ...each }) => ({
      ...each,
      arguments: wanted ?? { min: 0, max: 0 },
      flags,
    })),
  };
}

function parsed(json: Uint8Array, limit: number, what: string): unknown {
  if (json.length === 0) throw invalid(`${what} is empty`);
  if (json.length > limit) throw invalid(`${what} is longer than ${limit} bytes`);
  try {
    return parseJson(json, what);
  } catch {
    // The parser's own error would show how the text begins, and that could be a secret.
    throw invalid(`${what} is not JSON in UTF-8, or nests too deep`);
  }
}

/** First of all, since whatever else is wrong may be right in another version. */
function checkContract(value: unknown): void {
  if (typeof value !== "object" || value === null || !("contract" in value)) return;
  const { contract } = value;
  if (contract === CONTRACT || typeof contract !== "number") return;
  throw new SatchelError(
    "invalid",
    `it keeps version ${contract} of the contract, and this satchel version ${CONTRACT}`,
    {
      hint: "Use a version of the plugin and one of satchel that keep the same contract.",
    },
  );
}
