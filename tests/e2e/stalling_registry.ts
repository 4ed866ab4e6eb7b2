import type { Image } from "../harness/mod.ts";

/** A registry that stops in the middle of what is large until it is told to go on. */
export interface StallingRegistry extends AsyncDisposable {
  host: string;
  goOn(): void;
}

/** Serves an image as `v1` of every repository; of each blob as large as its largest one, half at first. */
export function serveStalling(image: Image): StallingRegistry {
  const all = [...image.blobs, ...image.manifests];
  const largest = Math.max(...all.map(({ bytes }) => bytes.length));
  const { promise: told, resolve: goOn } = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const [, name] = /\/(?:manifests|blobs)\/(.*)$/.exec(new URL(request.url).pathname) ?? [];
    const blob = all.find(({ digest }) => digest === name) ?? (name === "v1" ? image.root : undefined);
    if (!blob) return new Response(null, { status: 404 });
    const headers = { "content-type": blob.mediaType, "content-length": String(blob.bytes.length) };
    if (blob.bytes.length < largest) return new Response(blob.bytes, { headers });
    return new Response(halves(blob.bytes, told), { headers });
  });
  return {
    host: `127.0.0.1:${server.addr.port}`,
    goOn,
    async [Symbol.asyncDispose]() {
      goOn();
      await server.shutdown();
    },
  };
}

function halves(bytes: Uint8Array<ArrayBuffer>, told: Promise<void>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const half = bytes.length / 2;
  const parts = [bytes.subarray(0, half), bytes.subarray(half)];
  return new ReadableStream({
    async pull(controller) {
      const part = parts.shift();
      if (!part) return controller.close();
      if (parts.length === 0) await told;
      controller.enqueue(part);
    },
  }, { highWaterMark: 0 });
}
