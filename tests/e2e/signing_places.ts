import { join } from "node:path";
import { type Outcome, ROOT, satchel, type SatchelOptions, type Scratch, succeed } from "../harness/mod.ts";
import { unpackIgStore } from "./cli_stores.ts";

/** The image of the fixtures that cosign signed, and the one that nobody did. */
export const SIGNED = "127.0.0.1:5001/fixture/hello:v1";
export const UNSIGNED = "127.0.0.1:5001/fixture/other:v2";

/** The public key that {@link SIGNED} is signed by, and its private half, whose password is empty. */
export const PUBLIC_KEY = join(ROOT, "tests/fixtures/cosign.pub");
const PRIVATE_KEY = join(ROOT, "tests/fixtures/cosign.key");

/** Copies the private key of the fixtures to where others cannot read it, and returns its path. */
export async function ownKey(scratch: Scratch, mode = 0o600): Promise<string> {
  const path = scratch.at("own.key");
  await Deno.copyFile(PRIVATE_KEY, path);
  await Deno.chmod(path, mode);
  return path;
}

/** Makes a pair of keys that nothing is signed by yet; returns the paths. */
export async function newKeys(scratch: Scratch, name: string): Promise<{ key: string; pub: string }> {
  const prefix = scratch.at(name);
  const env = { COSIGN_PASSWORD: "" };
  const { code, stderr } = await satchel(["key", "generate", "--output-key-prefix", prefix], { env });
  if (code !== 0) throw new Error(stderr);
  return { key: `${prefix}.key`, pub: `${prefix}.pub` };
}

/** A scratch folder's own copy of the store that `ig` made, with both images. */
export async function storeOf(scratch: Scratch): Promise<string> {
  return await unpackIgStore(scratch.path);
}

/** Signs with a key whose password is empty. */
export async function sign(
  image: string,
  key: string,
  flags: readonly string[] = [],
  options: SatchelOptions = {},
): Promise<Outcome> {
  const env = { COSIGN_PASSWORD: "", SOURCE_DATE_EPOCH: "1700000000", ...options.env };
  return await satchel(["image", "sign", image, "--key", key, ...flags], { ...options, env });
}

/** Verifies, without a look at any registry. */
export async function verify(
  image: string,
  flags: readonly string[],
  options: SatchelOptions = {},
): Promise<Outcome> {
  return await satchel(["image", "verify", image, "--offline", ...flags], options);
}

/** What `-o json` says of an image's signatures, and the exit status. */
export async function judged(image: string, flags: readonly string[], options: SatchelOptions = {}) {
  const { code, stdout } = await verify(image, [...flags, "-o", "json"], options);
  type Verdict = { plugin: string; verdict: string; evidence: { isGood: boolean; format: string; digest: string }[] };
  const report = JSON.parse(stdout) as {
    verified: boolean;
    verdict: string;
    digest: string;
    trusted: string;
    verdicts: Verdict[];
  };
  return { code, ...report, signatures: report.verdicts.flatMap(({ evidence }) => evidence) };
}

/** Copies a folder, a store among others. */
export async function copyFolder(from: string, to: string): Promise<string> {
  await succeed("cp", ["-a", from, to]);
  return to;
}
