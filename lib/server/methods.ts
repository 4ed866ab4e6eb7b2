import { ApiError } from "./api_error.ts";
import type { Exchange } from "./exchange.ts";

/** @throws {ApiError} `UNSUPPORTED`, with what is allowed instead */
export function requireMethod({ method }: Request, allowed: readonly string[]): void {
  if (allowed.includes(method)) return;
  throw new ApiError("UNSUPPORTED", `${method} is not possible here`, { headers: { Allow: allowed.join(", ") } });
}

/** GET, and HEAD with it. */
export const READ: readonly string[] = ["GET", "HEAD"];

/** {@link READ}, and where something can be written, these as well. */
export function methodsAt({ repositories }: Exchange, writing: readonly string[]): readonly string[] {
  return repositories.writable ? [...READ, ...writing] : READ;
}
