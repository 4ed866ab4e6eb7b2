import { ApiError } from "./api_error.ts";
import { type Exchange, repositoriesAt } from "./exchange.ts";
import type { Repository, WritableRepositories } from "./repositories.ts";

/** Where a request writes to. */
export interface WritePlace {
  writable: WritableRepositories;
  repository: Repository;
}

/**
 * Where what is sent to this name goes.
 *
 * @throws {ApiError} `UNSUPPORTED` if nothing can be written here, `NAME_INVALID`
 */
export function writePlace(exchange: Exchange, name: string): WritePlace {
  const [repository] = repositoriesAt(exchange, name);
  const { writable } = exchange.repositories;
  if (writable) return { writable, repository };
  throw new ApiError("UNSUPPORTED", "this registry can only be read", { headers: { Allow: "GET, HEAD" } });
}
