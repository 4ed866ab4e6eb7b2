import type { CredentialLookup } from "../credential.ts";
import type { SatchelError } from "../error.ts";
import type { Descriptor } from "../oci/mod.ts";
import type { TlsLookup } from "../runtime/mod.ts";
import type { Pace } from "./silence.ts";

/** How to talk to a registry. Every member may be left out. */
export interface RegistryOptions {
  /** Speaks plain HTTP instead of TLS. Default: false. */
  plainHttp?: boolean;
  /** Finds the account. Asked once, and only if the registry wants one. Default: none. */
  credentials?: CredentialLookup;
  /** Certificates, for each host that is connected to for the sake of a registry or mirror at `origin`. Default: the runtime's. */
  tls?: (origin: URL) => TlsLookup;
  /**
   * Whether requests go through a proxy: then no connection is made that would not, neither ahead of need nor to look at a
   * certificate. Default: false.
   */
  proxied?: boolean;
  /**
   * What the first token should allow. With `push` it covers uploads from the start, which saves a round trip; the account
   * may lack that right, so it is not the default. Default: `pull`.
   */
  access?: "pull" | "push";
  /**
   * The registry that this one stands in for: every request says so by the parameter `ns`, as containerd's do, since a mirror of
   * several registries cannot tell it from the path. And since the registry itself can be asked, nothing is tried again after
   * a silence. Default: none.
   */
  standsFor?: string;
  /**
   * Told that one of the two ways to ask what refers to a manifest is denied; may throw. Default: a warning, and the other way
   * counts.
   */
  onReferrersDenied?: (error: SatchelError) => void;
  /** Other repositories of the same registry that hold this content, to mount it from instead of uploading it. */
  mountFrom?: (descriptor: Descriptor) => readonly string[];
  /** The longest silence, in milliseconds. Default: 60,000. */
  idleTimeout?: number;
  /** The slowest that the body of an answer may come. Default: any pace without such a silence. */
  slowest?: Pace;
  /** How many times something that failed is tried again, without progress in between. Default: 5. */
  retries?: number;
  /** The first pause before a retry, in milliseconds; each further one is twice as long. Default: 200. */
  retryDelay?: number;
  /** How many connections to open ahead of need. Default: 16. */
  connections?: number;
  /** `User-Agent`. Default: `satchel`. */
  userAgent?: string;
  /** Told before something is tried again. */
  onRetry?: (message: string) => void;
  /** Told what the user should know though it is not an error; each message once. */
  onWarning?: (message: string) => void;
  /** Gets a line for each request, without secrets. */
  log?: (line: string) => void;
}
