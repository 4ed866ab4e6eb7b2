import { mkdirSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { hasCode, SatchelError, systemCode } from "../error.ts";
import { type Digest, digestAlgorithm, digestHex, isJsonObject, parseJson } from "../oci/mod.ts";
import { acquireLock, effectiveUser, type Lock } from "../runtime/mod.ts";
import { isMissing, onPath, readWhole, replaceFile, statOf, storageError, syncFolder } from "../files/mod.ts";

/** How to open a store. */
export interface StoreOptions {
  /** The folder; it is created by the first command that writes. */
  path: string;
  /** How long to wait for another process that changes the index, in milliseconds. Default: without end. */
  lockTimeout?: number;
  /** Called once a wait for that has lasted a second. */
  onWait?: () => void;
  /** Told what is odd but no reason to stop, one sentence. */
  onWarning?: (message: string) => void;
}

/** The only version of the image layout that exists (image-spec 1.1, image-layout.md). */
const LAYOUT_VERSION = "1.0.0";

/** Byte for byte what `ig` writes, without a line feed. */
const LAYOUT_FILE = `{"imageLayoutVersion":"${LAYOUT_VERSION}"}`;

/** What `ig` writes for an empty store. */
const FRESH_INDEX = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}';

/** What may lie in a folder that becomes a store; anything else means that somebody named the wrong folder. */
const OWN_FILES: readonly string[] = [
  "oci-layout",
  "oci-layout.tmp",
  "index.json",
  "index.json.lock",
  "index.json.tmp",
  "blobs",
  "ingest",
  "lost+found",
];

/** Where things lie in a store. */
export interface Layout {
  readonly root: string;
  readonly layoutFile: string;
  readonly indexFile: string;
  readonly lockFile: string;
  readonly blobs: string;
  readonly ingest: string;
  readonly options: StoreOptions;
}

/** The paths of a store. */
export function layoutOf(options: StoreOptions): Layout {
  const root = resolve(options.path);
  return {
    root,
    layoutFile: join(root, "oci-layout"),
    indexFile: join(root, "index.json"),
    lockFile: join(root, "index.json.lock"),
    blobs: join(root, "blobs"),
    ingest: join(root, "ingest"),
    options,
  };
}

/** The file of a digest. A digest was checked before it gets here, so it cannot lead out of the store. */
export function blobPath(layout: Layout, digest: Digest): string {
  return join(layout.blobs, digestAlgorithm(digest), digestHex(digest));
}

/**
 * Whether there is a store. Creates nothing.
 *
 * @throws {SatchelError} `invalid` if it is of another version or something else lies there, `storage`
 */
export function storeExists(layout: Layout): boolean {
  if (!rootExists(layout.root)) return false;
  for (const folder of innerFolders(layout)) folderExists(folder);
  const bytes = readWhole(layout.layoutFile, 64 * 1024);
  if (bytes !== undefined) checkVersion(bytes, layout.layoutFile);
  return bytes !== undefined || statOf(layout.indexFile) !== undefined;
}

function checkVersion(bytes: Uint8Array, path: string): void {
  const json = parseJson(bytes, path);
  const version = isJsonObject(json) ? json.imageLayoutVersion : undefined;
  if (version === LAYOUT_VERSION) return;
  throw new SatchelError(
    "invalid",
    `${path} says that the store has layout version ${JSON.stringify(version)}; only "${LAYOUT_VERSION}" is known`,
    { hint: "A newer tool may have made it.", remedy: { kind: "other-store" } },
  );
}

/**
 * Creates what is missing of a store, with the modes that `ig` uses: the folder 0700, its files 0644, `blobs` and
 * `ingest` 0755 (all less the umask), the lock file 0600.
 *
 * @throws {SatchelError} `storage`, `invalid` if the folder holds other things, and what {@link acquireLock} throws
 */
export async function createStore(layout: Layout, signal?: AbortSignal): Promise<void> {
  const isComplete = storeExists(layout) && statOf(layout.layoutFile) && statOf(layout.indexFile) &&
    folderExists(join(layout.blobs, "sha256")) && folderExists(layout.ingest);
  refuseForeignOwner(layout);
  if (isComplete) return;
  if (!rootExists(layout.root)) {
    createRoot(layout.root);
  }
  refuseForeignFolder(layout.root);
  using _lock = await lockIndex(layout, signal);
  if (!statOf(layout.layoutFile)) replaceFile(layout.layoutFile, LAYOUT_FILE);
  if (!statOf(layout.indexFile)) replaceFile(layout.indexFile, FRESH_INDEX);
  for (const folder of [join(layout.blobs, "sha256"), layout.ingest]) createFolder(folder);
  syncFolder(layout.root);
}

function createRoot(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    if (!isMissing(cause)) throw storageError("create the store", path, cause);
    throw new SatchelError("storage", `Cannot create the store ${path}: no folder can be made there`, {
      remedy: { kind: "other-store" },
      cause,
    });
  }
}

/** Takes the lock that `ig` takes as well when it reads or changes the index. */
export async function lockIndex(layout: Layout, signal?: AbortSignal): Promise<Lock> {
  try {
    return await acquireLock(layout.lockFile, {
      timeout: layout.options.lockTimeout,
      onWait: layout.options.onWait,
      signal,
    });
  } catch (error) {
    if (hasCode(error, "storage") && systemCode(error.cause)) throw storageError("lock", layout.lockFile, error.cause);
    throw error;
  }
}

/** Creates a folder inside the store. */
export function createFolder(path: string): void {
  if (folderExists(path)) return;
  onPath("create", path, () => mkdirSync(path, { recursive: true, mode: 0o755 }));
}

function innerFolders({ blobs, ingest }: Layout): string[] {
  return [blobs, join(blobs, "sha256"), join(blobs, "sha512"), ingest];
}

/** Others may write to a folder with one of these; the sticky bit would not keep them from adding files of theirs. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Root writes only where nobody else may put links in its way: who owns a folder, or may write to it, could have root
 * change or overwrite any file of the host. Reading is harmless, and whoever is not root risks only what is their own.
 *
 * @throws {SatchelError} `refused`
 */
function refuseForeignOwner(layout: Layout): void {
  if (effectiveUser() !== 0) return;
  for (const path of [layout.root, ...innerFolders(layout)]) {
    const stat = path === layout.root ? statSync(path, { throwIfNoEntry: false }) : statOf(path);
    if (!stat) continue;
    if (stat.uid !== 0) {
      throw new SatchelError(
        "refused",
        `Root does not write to ${path}, which belongs to the user with the number ${stat.uid}`,
        {
          hint: `Run as that user: sudo -u '#${stat.uid}' ...`,
        },
      );
    }
    if ((stat.mode & WRITABLE_BY_OTHERS) !== 0) {
      throw new SatchelError("refused", `Root does not write to ${path}, to which other users may write`, {
        hint: `chmod go-w ${path}`,
      });
    }
  }
}

/** Pulling into a folder that holds somebody's other files would be a mistake that is hard to undo. */
function refuseForeignFolder(root: string): void {
  if (statOf(join(root, "oci-layout")) || statOf(join(root, "index.json"))) return;
  const foreign = listFolder(root).find((name) => !OWN_FILES.includes(name));
  if (foreign === undefined) return;
  throw new SatchelError("invalid", `${root} is not a store and not empty: it holds ${JSON.stringify(foreign)}`, {
    remedy: { kind: "other-store" },
  });
}

/** The names in a folder, sorted; none if there is no such folder. */
export function listFolder(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw storageError("list", path, cause);
  }
}

/**
 * Whether the folder of the store is there. A link to one counts if root or this user made it: an administrator may
 * well have moved the store to a larger disk, but nobody else shall lead us elsewhere.
 */
function rootExists(path: string): boolean {
  const stat = statOf(path);
  if (!stat?.isSymbolicLink()) return folderExists(path);
  const target = onPath("read", path, () => readlinkSync(path));
  const shown = isAbsolute(target) ? target : resolve(path, "..", target);
  if (stat.uid !== 0 && stat.uid !== effectiveUser()) {
    throw new SatchelError("refused", `${path} is a symbolic link to ${shown} that another user has made`, {
      hint: "Name the folder itself.",
    });
  }
  const isFolder = onPath("open", path, () => statSync(path)).isDirectory();
  if (!isFolder) throw new SatchelError("storage", `${path} leads to ${shown}, which is not a folder`);
  return true;
}

/**
 * Whether a folder is there. Inside of a store a link never counts, whoever made it: those of an archive that somebody
 * unpacks are that user's, wherever they lead.
 *
 * @throws {SatchelError} `refused` if it is a link, `storage` if it is something else
 */
function folderExists(path: string): boolean {
  const stat = statOf(path);
  if (!stat || stat.isDirectory()) return stat !== undefined;
  if (stat.isSymbolicLink()) {
    throw new SatchelError("refused", `${path} is a symbolic link; inside of a store none is followed`, {
      hint: "Put a real folder in its place.",
    });
  }
  throw new SatchelError("storage", `${path} is not a folder`);
}
