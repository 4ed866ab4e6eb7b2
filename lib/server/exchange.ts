import type { BodyMemory } from "./body_memory.ts";
import { clientOf } from "./client.ts";
import type { Repositories, Repository } from "./repositories.ts";
import { type NameRules, repositoriesOf } from "./names.ts";

/** Who asks. */
export interface Peer {
  /** IP address, without a port; empty if the client was gone before that could be told. */
  address: string;
}

/** One request, with all that an endpoint needs to answer it. */
export interface Exchange {
  request: Request;
  url: URL;
  peer: Peer;
  /** Whose account was given, if it was asked for. */
  user?: string;
  repositories: Repositories;
  names: NameRules;
  /** Sends a part of a file the way the runtime does it best. */
  fileBody(path: string, offset: number, length: number): BodyInit;
  /** The largest blob that is taken in, in bytes. */
  maxUpload: number;
  /** How long the body of an upload may be silent, in milliseconds. */
  uploadSilence: number;
  /** Where manifests on their way in are. */
  memory: BodyMemory;
}

/** Who asks, as one that shares what is bounded with others: behind a proxy all clients have the same address. */
export function ownerOf({ user, peer }: Exchange): string {
  return user === undefined ? `at ${clientOf(peer.address)}` : `user ${user}`;
}

/**
 * The repositories that a request may be about, the likeliest first.
 *
 * @throws {ApiError} `NAME_INVALID`
 */
export function repositoriesAt({ url, repositories, names }: Exchange, name: string): Repository[] {
  return repositoriesOf(name, url.searchParams.get("ns") ?? undefined, names).map((each) => repositories.at(each));
}

/** The first answer that one of several repositories has. */
export async function firstOf<T>(
  repositories: readonly Repository[],
  ask: (repository: Repository) => Promise<T | undefined>,
): Promise<T | undefined> {
  for (const repository of repositories) {
    const answer = await ask(repository);
    if (answer !== undefined) return answer;
  }
  return undefined;
}
