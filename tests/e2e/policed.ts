import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import {
  attachmentTag,
  type Blob,
  digestOf,
  type Image,
  makeCosignSignature,
  makeGadget,
  type Outcome,
  pushImage,
  type Registry,
  satchel,
  type Scratch,
  scratchFolder,
  startServedRegistry,
} from "../harness/mod.ts";
import { writeFile } from "./plugin_files.ts";

/** A key that signs images as cosign's older format has it, without cosign. */
export interface Signer {
  /** PEM. */
  publicKey: string;
  /** A signature that says that this digest was signed, by this name; it belongs under the tag `sha256-<hex>.sig`. */
  sign(subject: Blob, name?: string): Image;
}

/** Makes a key. */
export function makeSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    publicKey: publicKey.export({ type: "spki", format: "pem" }) as string,
    sign: (subject, name = "") => signed(subject, name, privateKey),
  };
}

function signed(subject: Blob, name: string, key: KeyObject): Image {
  const [config] = makeCosignSignature(subject).blobs;
  const payload = JSON.stringify({
    critical: {
      identity: { "docker-reference": name },
      image: { "docker-manifest-digest": subject.digest },
      type: "cosign container image signature",
    },
    optional: null,
  });
  const layer = blobOf("application/vnd.dev.cosign.simplesigning.v1+json", payload);
  const annotations = { "dev.cosignproject.cosign/signature": sign("sha256", layer.bytes, key).toString("base64") };
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const root = blobOf(
    mediaType,
    JSON.stringify({ schemaVersion: 2, mediaType, config: sized(config), layers: [{ ...sized(layer), annotations }] }),
  );
  return { root, manifests: [root], blobs: [config, layer] };
}

function blobOf(mediaType: string, text: string): Blob {
  const bytes = new TextEncoder().encode(text);
  return { mediaType, bytes, digest: digestOf(bytes) };
}

function sized({ mediaType, digest, bytes }: Blob) {
  return { mediaType, digest, size: bytes.length };
}

/** A registry with images, a store under a policy, and whose key the policy trusts. */
export interface Policed extends AsyncDisposable {
  scratch: Scratch;
  registry: Registry;
  signer: Signer;
  /** Puts an image into the registry, signed by this key or not at all. */
  push(name: string, by?: Signer): Promise<Image>;
  /** Writes a configuration file, for `--config`, and returns its path. */
  configure(text: string, name?: string): Promise<string>;
  /** Runs the binary on the store, with `policy.yaml`. */
  run(...args: string[]): Promise<Outcome>;
  /** `image pull`. */
  pull(name: string, ...flags: string[]): Promise<Outcome>;
  /** The digests of the store by names. */
  names(): Promise<Record<string, string>>;
}

/** Starts one; `policy.yaml` wants images of `team/` to be signed. */
export async function startPoliced(start: () => Promise<Registry> = startServedRegistry): Promise<Policed> {
  const scratch = await scratchFolder();
  const registry = await start();
  const signer = makeSigner();
  const { host } = registry;
  const configure = (text: string, name = "policy.yaml") => writeFile(scratch.at(name), text);
  await writeFile(scratch.at("team.pub"), signer.publicKey);
  await configure(`verify:\n  - images: ${host}/team/*\n    keys: [team.pub]\n`);
  const run = (...args: string[]) =>
    satchel(["--config", scratch.at("policy.yaml"), ...args], {
      store: scratch.at("store"),
      home: scratch.path,
      cwd: scratch.path,
    });
  return {
    scratch,
    registry,
    signer,
    async push(name, by) {
      const [repository, tag = "latest"] = name.split(":");
      const image = makeGadget();
      await pushImage(registry, repository, tag, image);
      const name_ = `${host}/${repository}`;
      if (by) {
        await pushImage(registry, repository, attachmentTag(image.root.digest, ".sig"), by.sign(image.root, name_));
      }
      return image;
    },
    configure,
    run,
    pull: (name, ...flags) => run("image", "pull", `${host}/${name}`, "--insecure-registries", host, ...flags),
    async names() {
      const { stdout } = await run("image", "list", "-o", "json");
      const images: { Repository: string; Tag: string; Digest: string }[] = JSON.parse(stdout);
      return Object.fromEntries(
        images.map(({ Repository, Tag, Digest }) => [`${Repository.replace(`${host}/`, "")}:${Tag}`, Digest]),
      );
    },
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}
