import { type HostRole, SatchelError, throwIfCancelled } from "../error.ts";
import { concatBytes } from "../content/mod.ts";
import { describeFetchFailure, type HttpFetch, type HttpInit, type TlsLookup } from "../runtime/mod.ts";
import { shownPath } from "./address.ts";
import { certificateError, isUnclear } from "./certificate_error.ts";
import { isCertificateFailure, networkError } from "./network_error.ts";
import { asTransient } from "./retry.ts";
import { type Pace, watchSilence } from "./silence.ts";

/** The most that an error shows of a path, in UTF-16 units. */
const MAX_SHOWN = 300;

/** What an exchange needs besides the request. */
export interface ExchangeOptions {
  fetch: HttpFetch;
  /** What `fetch` was made with; for telling why a host refuses. */
  tls?: TlsLookup;
  /** Whether requests go through a proxy, so that no host can be looked at directly. */
  proxied?: boolean;
  /** What the host of a URL is to the user. */
  roleOf: (url: URL) => HostRole;
  /** The longest silence, in milliseconds. */
  idleTimeout: number;
  /** The slowest that a body may come. Default: any pace without such a silence. */
  slowest?: Pace;
  /** Whether somebody else can be asked for the same: then it is not tried again after a silence. */
  hasAlternative?: boolean;
  /** Takes what was sent out of a text that is shown: a server may repeat it. */
  clean: (text: string) => string;
  signal?: AbortSignal;
}

/** One request and its response. Dispose of it: what was not read of the body is then dropped with its connection. */
export interface Exchange extends Disposable {
  readonly url: URL;
  readonly method: string;
  readonly response: Response;
  /** What the host that answered is to the user. */
  readonly role: HostRole;

  /**
   * The body as the runtime's own chunks; nothing if somebody began to read it before.
   *
   * @throws {SatchelError} `network` (transient) if the connection broke or was silent for too long; `cancelled`
   */
  chunks(): AsyncGenerator<Uint8Array, void, void>;

  /**
   * The whole body, if it is not longer than `limit` bytes, else `undefined`; no more than `limit` is ever in memory.
   *
   * @throws {SatchelError} as {@link Exchange.chunks}
   */
  read(limit: number): Promise<Uint8Array | undefined>;
}

/**
 * Sends a request and waits for the head of the response.
 *
 * @throws {SatchelError} `network`, transient where another try may help; `cancelled`
 */
export async function exchange(url: URL, init: HttpInit, options: ExchangeOptions): Promise<Exchange> {
  throwIfCancelled(options.signal);
  const role = options.roleOf(url);
  const watch = watchSilence(options.idleTimeout, options.signal);
  const failed = async (error: unknown): Promise<SatchelError> => {
    if (error instanceof SatchelError) return error;
    throwIfCancelled(options.signal);
    const what = `${init.method} ${shownPath(url, options.clean, MAX_SHOWN)} at ${url.host}`;
    if (watch.timedOut()) {
      const message = `${what}: no byte came for ${options.idleTimeout / 1000} s`;
      const hint = `Is ${url.host} reachable from here? Where that takes a proxy, set HTTPS_PROXY.`;
      const silent = new SatchelError("network", message, { hint, cause: error });
      return options.hasAlternative ? silent : asTransient(silent);
    }
    if (watch.tooSlow() && options.slowest) {
      const { bytes, time } = options.slowest;
      const message = `${what}: fewer than ${bytes} bytes came in ${time / 1000} s`;
      const slow = new SatchelError("network", message, { cause: error });
      return options.hasAlternative ? slow : asTransient(slow);
    }
    const { failure, text } = describeFetchFailure(error);
    return isCertificateFailure(failure) || isUnclear(url, failure)
      ? await certificateError(what, url, { failure, text, cause: error }, role, options)
      : networkError(what, url, { failure, text, cause: error }, role);
  };

  let response: Response;
  try {
    watch.waiting();
    const body = init.body instanceof ReadableStream ? watch.body(init.body) : init.body;
    const sending = options.fetch(url.href, {
      ...init,
      ...(body === undefined ? {} : { body }),
      signal: watch.signal,
    });
    // An answer that comes when nobody waits any more.
    sending.then(async (late) => {
      if (watch.signal.aborted) await late.body?.cancel();
    }).catch(() => {});
    response = await watch.until(sending);
    watch.busy();
    watch.expect(options.slowest);
  } catch (error) {
    watch.end();
    throw watch.bodyError() ?? await failed(error);
  }

  let finished = response.body === null;
  if (finished) watch.end();

  async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
    const { body } = response;
    if (finished || body === null || body.locked) return;
    const reader = body.getReader();
    try {
      for (;;) {
        watch.waiting();
        const { done, value } = await watch.until(reader.read());
        watch.busy(value?.length);
        if (done) break;
        yield value;
      }
      finished = true;
      watch.end();
    } catch (error) {
      watch.abort();
      throw await failed(error);
    } finally {
      // What is left of it is dropped; nothing waits for that.
      if (!finished) reader.cancel().catch(() => {});
    }
  }

  return {
    url,
    method: init.method,
    response,
    role,
    chunks,
    async read(limit) {
      const announced = Number(response.headers.get("content-length") ?? 0);
      if (announced > limit && init.method !== "HEAD") return undefined;
      const parts: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of chunks()) {
        size += chunk.length;
        if (size > limit) return undefined;
        parts.push(chunk.slice());
      }
      return concatBytes(parts);
    },
    [Symbol.dispose]() {
      if (!finished) watch.abort();
    },
  };
}
