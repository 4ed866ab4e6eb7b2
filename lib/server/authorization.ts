import { Buffer } from "node:buffer";
import { ApiError } from "./api_error.ts";
import type { Peer } from "./exchange.ts";
import { READ } from "./methods.ts";

/** Those who may come in. */
export interface Accounts {
  /**
   * Whether this is the user's password. It takes as long for a user that there is not.
   *
   * @param client who asks, so that one cannot take all the time there is
   * @throws {ApiError} `TOOMANYREQUESTS` if there is no time to look
   */
  check(user: string, password: string, client: string): Promise<boolean>;
}

/** Who may do what. */
export interface AccessRules {
  /** Without them nobody is asked for an account. */
  accounts?: Accounts;
  /** Whether reading takes no account. Default: it takes one. */
  anonymousPull?: boolean;
}

/** What asks for an account (RFC 7617). */
const CHALLENGE = { "WWW-Authenticate": 'Basic realm="satchel"' };

/** The longest header of credentials that is looked at, in UTF-16 units. */
const MAX_HEADER = 4096;

/**
 * Lets a request in, or not. Credentials that are sent have to be right, also where none are needed.
 *
 * @returns the user, if an account was given and asked for
 * @throws {ApiError} `UNAUTHORIZED`, `DENIED`, and what {@link Accounts.check} throws
 */
export async function authorize(request: Request, peer: Peer, rules: AccessRules): Promise<string | undefined> {
  const isReading = READ.includes(request.method);
  if (!isReading) refuseOtherSites(request);
  if (!rules.accounts) return undefined;
  const header = request.headers.get("Authorization");
  if (header === null) {
    if (isReading && rules.anonymousPull) return undefined;
    throw unauthorized("this takes an account");
  }
  const credentials = parseBasic(header);
  if (!credentials) throw unauthorized("these are no credentials of the Basic scheme");
  const { user, password } = credentials;
  if (await rules.accounts.check(user, password, peer.address)) return user;
  throw unauthorized("the user name or the password is wrong");
}

/**
 * Every page that somebody looks at can have their browser send requests here, and a POST without asking first. Clients of
 * registries do not say where they come from.
 */
function refuseOtherSites({ headers }: Request): void {
  const origin = headers.get("Origin");
  const site = headers.get("Sec-Fetch-Site");
  if (origin === null && (site === null || site === "none")) return;
  throw new ApiError("DENIED", "web pages cannot write here");
}

function unauthorized(message: string): ApiError {
  return new ApiError("UNAUTHORIZED", message, { headers: CHALLENGE });
}

/** RFC 7617, section 2; in UTF-8, as all clients of registries send them. */
function parseBasic(header: string): { user: string; password: string } | undefined {
  const encoded = header.length <= MAX_HEADER ? /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header)?.[1] : undefined;
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon <= 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
