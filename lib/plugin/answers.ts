import type {
  Artifact,
  HookName,
  PluginCredential,
  SignAnswer,
  TransferAnswer,
  TransferHookName,
  VerifyAnswer,
} from "./contract.ts";
import { readJson } from "./read_json.ts";
import { anything, bool, invalid, LINE, list, nameOf, object, oneOf, record, type Shape, text } from "./shape.ts";

/** How long an answer may be, in bytes of JSON. */
export const ANSWER_LIMIT = 4 << 20;

/** What each hook answers. */
export interface Answers extends Record<TransferHookName, TransferAnswer> {
  "credentials.get": { credential?: PluginCredential };
  "credentials.store": { stored: boolean };
  "credentials.erase": { erased: boolean };
  "credentials.list": { registries: string[] };
  sign: SignAnswer;
  verify: VerifyAnswer;
}

const prose = text(10_000);

/** A password or a token goes into a header, so it is one line. */
const secret = text(64 << 10, LINE);

const credentialMembers = object({}, {
  username: text(1024, LINE),
  password: secret,
  identityToken: secret,
  registryToken: secret,
});

const credential: Shape<PluginCredential> = (value, place) => {
  const found = credentialMembers(value, place);
  const isAccount = found.username !== undefined && found.password !== undefined;
  if (found.identityToken || found.registryToken || isAccount) return found;
  throw invalid(`${nameOf(place)} has neither a username with a password nor a token`);
};

const decision = object({ allow: bool }, { reason: prose });

const transfer: Shape<TransferAnswer> = (value, place) => {
  const { allow, reason } = decision(value, place);
  if (allow) return { allow };
  if (reason === undefined) throw invalid(`"reason" in ${place.whole} is missing`);
  return { allow, reason };
};

const annotations = record(text(64 << 10), 100);
const mediaType = text(255, { test: (text) => /^[\w.+-]+\/[\w.+-]+$/.test(text), what: "a media type" });
const data = text(ANSWER_LIMIT, {
  test: (text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text),
  what: "base64",
});
const attachingTag = text(128, {
  test: (text) => /^sha256-[0-9a-f]{64}\.[A-Za-z0-9._-]+$/.test(text),
  what: "a tag such as sha256-<hex>.sig",
});

const layer = object({ mediaType, data }, { annotations });

const artifact: Shape<Artifact> = object(
  { artifactType: mediaType, layers: list(layer, 64) },
  { config: layer, annotations, tag: attachingTag },
);

const ANSWERS: { readonly [Hook in HookName]: Shape<Answers[Hook]> } = {
  "credentials.get": object({}, { credential }),
  "credentials.store": object({ stored: bool }),
  "credentials.erase": object({ erased: bool }),
  "credentials.list": object({ registries: list(text(512, LINE), 10_000) }),
  beforePull: transfer,
  afterPull: transfer,
  beforePush: transfer,
  afterPush: transfer,
  beforeExport: transfer,
  afterImport: transfer,
  sign: object({ artifacts: list(artifact, 32) }),
  verify: object({
    verdict: oneOf("verified", "rejected", "none"),
    reason: prose,
    evidence: list(anything, 1000),
  }),
};

/**
 * Reads what a hook has answered.
 *
 * @param json the answer, UTF-8
 * @param onUnknown gets one line about members that were passed over
 * @throws {SatchelError} `invalid`, which says what about the answer is against the contract, never what stands in it
 */
export function readAnswer<Hook extends HookName>(
  hook: Hook,
  json: Uint8Array,
  onUnknown: (line: string) => void,
): Answers[Hook] {
  return readJson(json, ANSWERS[hook], { whole: `the answer of ${hook}`, limit: ANSWER_LIMIT, onUnknown });
}
