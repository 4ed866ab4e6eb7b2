import type { Source } from "../../lib/content/mod.ts";
import type { Platform, Reference } from "../../lib/oci/mod.ts";
import type { RemoteContext } from "../open/remote.ts";
import type { PolicyGate } from "../policy/gate.ts";
import type { CopyEnd } from "./ends.ts";

/** An image on the source of a copy. */
export interface SourceImage {
  /** Its whole name there; `undefined` if it has none. */
  reference?: Reference;
  /** As messages have it. */
  name: string;
  /** Its tag there, which it keeps where the other end does not say another one. */
  tag?: string;
  source: Source;
  /** The tag or the digest on the source. */
  from: string;
  /** The platforms whose content alone is there, if others were left out. */
  platforms?: readonly Platform[];
}

/** What is to come along of each image. */
export interface CopyChoice {
  referrers: boolean;
  /** Platforms that are needed; `undefined` for all. */
  platforms?: readonly Platform[];
  /** Whether others are left out. */
  sparse: boolean;
}

/** What the command line asks for. */
export interface CopyRequest {
  from: CopyEnd;
  to: CopyEnd;
  allTags: boolean;
  choice: CopyChoice;
  /** Whether it is only to be told what would move. */
  dryRun: boolean;
}

/** An image, and the name that it is to have at the other end. */
export interface CopyJob<Image extends SourceImage = SourceImage> {
  image: Image;
  to: Reference;
}

/** What a copy needs to know of the command that it is for. */
export interface CopyContext extends RemoteContext {
  request: CopyRequest;
  /** For what is copied into the store. */
  policy: PolicyGate;
  /** How much has come to the other end so far. */
  arrived: { bytes: number };
  signal: AbortSignal;
}
