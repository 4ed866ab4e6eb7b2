import { etagOf, isConditional, requireWritable } from "./conditional.ts";
import type { Exchange } from "./exchange.ts";
import type { WritableRepositories } from "./repositories.ts";
import type { WritePlace } from "./write_place.ts";

/** The end of what was begun last on a condition. */
const turns = new WeakMap<WritableRepositories, Promise<unknown>>();

/**
 * Writes a manifest, or takes it away, if what is there is what `If-Match` and `If-None-Match` say. Such requests go one after the
 * other, so that of two that want to be the first, one is.
 *
 * @param reference the tag or digest that the request is about
 * @throws {ApiError} `UNSUPPORTED` (412), and what `write` throws
 */
export async function ifAsExpected<T>(
  { request }: Exchange,
  { writable, repository }: WritePlace,
  reference: string,
  write: () => Promise<T>,
): Promise<T> {
  if (!isConditional(request)) return await write();
  const turn = (turns.get(writable) ?? Promise.resolve()).then(async () => {
    const found = await repository.manifest(reference, { signal: request.signal });
    requireWritable(request, found && etagOf(found.descriptor.digest));
    return await write();
  });
  turns.set(writable, turn.catch(() => {}));
  return await turn;
}
