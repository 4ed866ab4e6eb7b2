import { SatchelError } from "../error.ts";
import type { ByteStream, FetchOptions } from "../content/mod.ts";
import type { Descriptor } from "../oci/mod.ts";
import { printable } from "../printable.ts";
import { refuseEncoding } from "./body.ts";
import type { Client } from "./client.ts";
import type { Exchange } from "./exchange.ts";
import { asTransient, pauseBeforeRetry, PROGRESS } from "./retry.ts";

/**
 * Downloads a blob from `offset` to its end (distribution-spec 1.1, end-2). A transfer that breaks goes on where it
 * stopped; the count of retries starts anew when at least 64 KiB came.
 *
 * @throws {SatchelError} `integrity` as soon as there are more bytes than the descriptor says, or another length is
 *   announced; `not-found`, `network`, `registry`, `denied`, `cancelled`
 */
export async function* download(
  client: Client,
  descriptor: Descriptor,
  { offset = 0, signal }: FetchOptions = {},
): ByteStream {
  const { size } = descriptor;
  let position = offset;
  let failures = 0;
  while (position < size) {
    const startedAt = position;
    try {
      using sent = await request(client, descriptor, position, signal);
      let skip = bytesToSkip(sent, descriptor, position);
      for await (const chunk of sent.chunks()) {
        if (skip >= chunk.length) {
          skip -= chunk.length;
          continue;
        }
        const wanted = skip > 0 ? chunk.subarray(skip) : chunk;
        skip = 0;
        if (position + wanted.length > size) throw tooLong(descriptor);
        position += wanted.length;
        yield wanted;
      }
      if (position < size) throw endedEarly(sent, descriptor, position);
    } catch (error) {
      if (position - startedAt >= PROGRESS) failures = 0;
      failures++;
      await pauseBeforeRetry(client.policy, failures, error, signal);
    }
  }
}

function request(
  client: Client,
  descriptor: Descriptor,
  position: number,
  signal: AbortSignal | undefined,
): Promise<Exchange> {
  return client.send({
    method: "GET",
    url: client.url(`blobs/${descriptor.digest}`),
    headers: position > 0 ? { range: `bytes=${position}-` } : {},
    scopes: client.pull,
    accept: [200, 206, 416],
    signal,
  });
}

/**
 * Checks what the head of the response says about the bytes to come.
 *
 * @returns how many of them are before `position`: a server need not know `Range`
 * @throws {SatchelError} `integrity`, `registry`
 */
function bytesToSkip(sent: Exchange, descriptor: Descriptor, position: number): number {
  const { response, url } = sent;
  refuseEncoding(sent, descriptor.digest);
  if (response.status === 416) {
    throw new SatchelError(
      "integrity",
      `${descriptor.digest} is shorter than announced: ${url.host} has nothing after ${position} bytes`,
    );
  }
  const isPart = response.status === 206;
  if (isPart) checkContentRange(sent, descriptor, position);
  const length = response.headers.get("content-length");
  const expected = isPart ? descriptor.size - position : descriptor.size;
  if (length !== null && Number(length) !== expected) {
    throw new SatchelError(
      "integrity",
      `${descriptor.digest} has another length than announced: ${url.host} sends ${
        printable(length, 30)
      } bytes, not ${expected}`,
    );
  }
  return isPart ? 0 : position;
}

function checkContentRange({ response, url }: Exchange, descriptor: Descriptor, position: number): void {
  const header = response.headers.get("content-range") ?? "";
  const [, first, last, total] = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i.exec(header.trim()) ?? [];
  if (first === undefined || Number(first) !== position || Number(last) >= descriptor.size) {
    throw new SatchelError(
      "registry",
      `${url.host} was asked for ${descriptor.digest} from byte ${position} on and sent the range ${
        JSON.stringify(printable(header, 60))
      }`,
    );
  }
  if (total !== "*" && Number(total) !== descriptor.size) {
    throw new SatchelError(
      "integrity",
      `${descriptor.digest} has another length than announced: ${total} bytes, not ${descriptor.size}`,
    );
  }
}

function tooLong({ digest, size }: Descriptor): SatchelError {
  return new SatchelError("integrity", `${digest} is longer than announced: more than ${size} bytes came`);
}

/** A body without a length that ends too soon cannot be told from a connection that was closed; so it is tried again. */
function endedEarly({ url }: Exchange, { digest, size }: Descriptor, position: number): SatchelError {
  const message = `${digest} is shorter than announced: ${position} of ${size} bytes came from ${url.host}`;
  return asTransient(new SatchelError("integrity", message));
}
