import type { Source } from "../content/mod.ts";
import { formatRepository, type Reference } from "../oci/mod.ts";
import type { PlaceListener } from "./mirror_place.ts";
import { type MirroredRepository, type MirrorRule, mirrorsOf } from "./mirror_rules.ts";
import { openMirrored, type Served } from "./mirrors.ts";
import type { RegistryOptions } from "./options.ts";
import { openRepository } from "./repository.ts";
import type { Pace } from "./silence.ts";

/** How a registry and its mirrors are talked to: accounts and certificates are found by the name of whoever is asked. */
export interface PullSourceOptions extends
  Omit<
    RegistryOptions,
    "plainHttp" | "access" | "slowest" | "standsFor" | "onReferrersDenied" | "mountFrom" | "onWarning"
  >,
  PlaceListener {
  mirrors: readonly MirrorRule[];
  /** Whether `host[:port]` is spoken to over plain HTTP where no scheme says it. Default: nobody is. */
  isPlainHttp?: (registry: string) => boolean;
  /** The longest silence of a mirror, in milliseconds, after which the next place is asked. Default: 10,000. */
  mirrorIdleTimeout?: number;
  /** The slowest that a mirror may send, after which the next place goes on. Default: 10 KiB in 10 s. */
  mirrorSlowest?: Pace;
}

/** What an image is pulled from. */
export interface PullSource extends Source {
  /** Who gave how much so far; absent without mirrors. */
  served?(): Served[];
}

const MIRROR_IDLE_TIMEOUT = 10_000;

/**
 * A byte now and then is no silence, and could hold a pull for days while the registry is there. 1 KiB/s is what each of 8
 * transfers gets of a link of 64 kbit/s; whoever sends less is of no use. The registry itself may be slower: nobody else is
 * left to ask.
 */
const MIRROR_SLOWEST: Pace = { bytes: 10 * 1024, time: 10_000 };

/** How often a mirror is asked again: there is another place to ask. */
const MIRROR_RETRIES = 1;

/**
 * Opens what an image is pulled from: its mirrors, where the rules have some, and the repository itself, as one source. Without
 * mirrors that is {@link openRepository}.
 *
 * @throws {SatchelError} `usage` as {@link openRepository}
 */
export function openPullSource(reference: Reference, options: PullSourceOptions): PullSource {
  const { mirrors: rules, isPlainHttp = () => false, mirrorIdleTimeout, mirrorSlowest, onDetail, ...shared } = options;
  const mirrors = mirrorsOf(rules, reference);
  const openRegistry = () => openRepository(reference, { ...shared, plainHttp: isPlainHttp(reference.registry) });
  if (mirrors.length === 0) return openRegistry();

  const openMirror = ({ mirror, repository }: MirroredRepository) =>
    openRepository({ registry: mirror.registry, repository }, {
      ...shared,
      plainHttp: mirror.scheme === undefined ? isPlainHttp(mirror.registry) : mirror.scheme === "http",
      idleTimeout: mirrorIdleTimeout ?? MIRROR_IDLE_TIMEOUT,
      slowest: mirrorSlowest ?? MIRROR_SLOWEST,
      retries: MIRROR_RETRIES,
      standsFor: reference.registry,
      // As long as somebody else can say it, a refusal is no answer.
      onReferrersDenied: (error) => {
        throw error;
      },
    });
  return openMirrored({
    mirrors: mirrors.map((each) => ({
      name: formatRepository({ registry: each.mirror.registry, repository: each.repository }),
      resolveTags: each.mirror.resolveTags,
      open: async () => openMirror(each),
    })),
    registry: { name: formatRepository(reference), open: async () => openRegistry() },
    ...(reference.digest === undefined && reference.tag !== undefined && { tag: reference.tag }),
    onDetail,
    onWarning: options.onWarning,
  });
}
