import { join } from "node:path";
import type { AuthFiles, FallbackFile, NamedFile } from "../../lib/credentials/mod.ts";
import { effectiveUser } from "../../lib/runtime/process.ts";
import { passwdHome } from "../../lib/trust/mod.ts";
import type { Environment } from "../line/invocation.ts";

/** Where root has the store and the authentication file, which `ig` uses too. */
export const ROOT_FOLDER = "/var/lib/ig";

/** The authentication file that `ig login` writes. */
const ROOT_AUTH_FILE = join(ROOT_FOLDER, "config.json");

/** What the places of auth files depend on. */
export interface AuthFilePlaces {
  /** The folder of this user's store; `undefined` without a home. */
  own?: string;
  home?: string;
  environment: Environment;
  /** The number of the user of this process. */
  uid?: number;
  /** The home of another user, by the passwd file. */
  homeOf?: (uid: number) => string | undefined;
}

/**
 * The authentication files that count.
 *
 * @param named the one that somebody named. The default of the flag may be named like any other file, but need not exist.
 */
export function authFiles(named: NamedFile | undefined, places: AuthFilePlaces): AuthFiles {
  const own = places.own ? [join(places.own, "config.json")] : [];
  const isUsual = named?.path === ROOT_AUTH_FILE;
  const usual = [...isUsual ? [ROOT_AUTH_FILE] : [], ...own, ROOT_AUTH_FILE];
  return {
    ...(named && !isUsual && { named }),
    own: [...new Set(usual)],
    fallbacks: [...dockerFiles(places), ...podmanFiles(places)],
  };
}

/** The file that `satchel login` writes. */
export function fileForWriting({ named, own }: AuthFiles): string {
  return named?.path ?? own[0];
}

/**
 * What counts for a login, which makes the file that somebody named if it is not there.
 */
export function authFilesForLogin(files: AuthFiles): AuthFiles {
  return files.named ? { own: [files.named.path], fallbacks: [] } : files;
}

/** The authentication files of the user of this process. */
export function usualAuthFiles(
  named: NamedFile | undefined,
  environment: Environment,
  own: string | undefined,
  home: string | undefined,
): AuthFiles {
  const uid = effectiveUser();
  return authFiles(named, {
    environment,
    ...(own !== undefined && { own }),
    ...(home !== undefined && { home }),
    ...(uid !== undefined && { uid }),
    homeOf: passwdHome,
  });
}

function dockerFiles({ environment, home, uid, homeOf }: AuthFilePlaces): FallbackFile[] {
  const folder = environment.DOCKER_CONFIG || (home && join(home, ".docker"));
  if (!folder) return [];
  const path = join(folder, "config.json");
  const caller = /^[1-9]\d{0,9}$/.test(environment.SUDO_UID ?? "") ? Number(environment.SUDO_UID) : undefined;
  const callersHome = uid === 0 && caller !== undefined ? homeOf?.(caller) : undefined;
  if (caller === undefined || !callersHome) return [{ path }];
  const callers = join(callersHome, ".docker", "config.json");
  // HOME was kept. `sudo -E docker login` leaves a file of root's there.
  if (callers === path) return [{ path, owners: [caller, 0] }];
  return [{ path }, { path: callers, owners: [caller], insteadOf: path }];
}

function podmanFiles({ environment, uid }: AuthFilePlaces): FallbackFile[] {
  const folder = environment.XDG_RUNTIME_DIR;
  if (folder) return [{ path: join(folder, "containers", "auth.json") }];
  return uid === undefined ? [] : [{ path: `/run/containers/${uid}/auth.json` }];
}
