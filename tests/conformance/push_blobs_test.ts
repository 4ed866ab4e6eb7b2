import assert from "node:assert/strict";
import { ALGORITHMS, content, digestOf } from "./content.ts";
import {
  type Answer,
  assertBlob,
  clause,
  expect,
  locationOf,
  OCTETS,
  pushBlob,
  rangeOf,
  type Registry,
  startUpload,
  withDigest,
} from "./registry.ts";

// distribution-spec 1.1, "Pushing blobs".

const REPOSITORY = "conformance/push";
const UPLOADS = `/v2/${REPOSITORY}/blobs/uploads/`;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

/** Sends a part of a blob (end-5), with its range; returns the answer. */
function patch({ ask }: Registry, location: string, start: number, chunk: Uint8Array<ArrayBuffer>): Promise<Answer> {
  return ask("PATCH", location, { headers: { ...OCTETS, ...rangeOf(start, chunk) }, body: chunk });
}

clause("end-4a: starting an upload MUST be 202, with a Location that has a UUID of its own", async ({ ask }) => {
  const locations = [];
  for (let i = 0; i < 3; i++) locations.push(locationOf(await expect(202, ask("POST", UPLOADS))));
  for (const location of locations) assert.match(location, UUID);
  assert.equal(new Set(locations).size, 3);
});

clause(
  "end-4a: if there is a least length of chunks, it SHOULD be said, and chunks of it are taken",
  async (registry) => {
    const started = await expect(202, registry.ask("POST", UPLOADS));
    const least = Number(started.headers.get("OCI-Chunk-Min-Length") ?? 1);
    assert.ok(Number.isInteger(least) && least > 0);
    const blob = content(2 * least + 1);
    let location = locationOf(started);
    for (let at = 0; at < 2 * least; at += least) {
      location = locationOf(await expect(202, patch(registry, location, at, blob.bytes.slice(at, at + least))));
    }
    const body = blob.bytes.slice(2 * least);
    const headers = { ...OCTETS, ...rangeOf(2 * least, body) };
    await expect(201, registry.ask("PUT", withDigest(location, blob.digest), { headers, body }));
  },
);

for (const algorithm of ALGORITHMS) {
  clause(
    `end-4a, end-6: a blob by POST and PUT MUST be 201, with a Location to pull it from (${algorithm})`,
    async (registry) => {
      for (const blob of [content(3000, "", algorithm), content("{}", "", algorithm), content("", "", algorithm)]) {
        const created = await pushBlob(registry, REPOSITORY, blob);
        assert.equal(created.headers.get("Docker-Content-Digest"), blob.digest);
        await assertBlob(registry, locationOf(created), blob);
        await assertBlob(registry, `/v2/${REPOSITORY}/blobs/${blob.digest}`, blob);
      }
    },
  );

  clause(
    `end-4b: a blob in a single POST is 201, and MUST have a Location to pull it from (${algorithm})`,
    async (registry) => {
      for (const blob of [content(3000, "", algorithm), content("", "", algorithm)]) {
        const url = `${UPLOADS}?digest=${blob.digest}`;
        const created = await expect(201, registry.ask("POST", url, { headers: OCTETS, body: blob.bytes }));
        await assertBlob(registry, locationOf(created), blob);
      }
    },
  );

  clause(
    `end-5: each chunk MUST be 202, with Location and Range; a PUT ends it with 201 (${algorithm})`,
    async (registry) => {
      const blob = content(1000, "", algorithm);
      let location = await startUpload(registry, REPOSITORY);
      for (const [start, end] of [[0, 1], [1, 400], [400, 1000]]) {
        const answer = await expect(202, patch(registry, location, start, blob.bytes.slice(start, end)));
        assert.equal(answer.headers.get("Range"), `0-${end - 1}`);
        location = locationOf(answer);
        assert.match(location, UUID);
      }
      const created = await expect(201, registry.ask("PUT", withDigest(location, blob.digest)));
      await assertBlob(registry, locationOf(created), blob);
    },
  );

  clause(`end-5, end-6: the last chunk MAY come with the closing PUT (${algorithm})`, async (registry) => {
    const blob = content(1000, "", algorithm);
    const location = locationOf(
      await expect(202, patch(registry, await startUpload(registry, REPOSITORY), 0, blob.bytes.slice(0, 600))),
    );
    const body = blob.bytes.slice(600);
    const headers = { ...OCTETS, ...rangeOf(600, body) };
    const created = await expect(201, registry.ask("PUT", withDigest(location, blob.digest), { headers, body }));
    await assertBlob(registry, locationOf(created), blob);
  });

  clause(`end-5: a stream without range and length is taken as one chunk (${algorithm})`, async (registry) => {
    const blob = content(50_000, "", algorithm);
    const body = ReadableStream.from([blob.bytes.slice(0, 20_000), blob.bytes.slice(20_000)]);
    const location = await startUpload(registry, REPOSITORY);
    const answer = await expect(202, registry.ask("PATCH", location, { headers: OCTETS, body }));
    assert.equal(answer.headers.get("Range"), "0-49999");
    const created = await expect(201, registry.ask("PUT", withDigest(locationOf(answer), blob.digest)));
    await assertBlob(registry, locationOf(created), blob);
  });

  clause(`end-11: mounting a blob MUST be 201, with a Location to pull it from (${algorithm})`, async (registry) => {
    const blob = content(100, "", algorithm);
    await pushBlob(registry, REPOSITORY, blob);
    const url = `/v2/conformance/other/blobs/uploads/?mount=${blob.digest}&from=${REPOSITORY}`;
    const mounted = await expect(201, registry.ask("POST", url));
    assert.equal(mounted.headers.get("Docker-Content-Digest"), blob.digest);
    await assertBlob(registry, locationOf(mounted), blob);
    await assertBlob(registry, `/v2/conformance/other/blobs/${blob.digest}`, blob);
  });

  clause(`end-11: a blob MAY be mounted without saying from where (${algorithm})`, async (registry) => {
    const blob = content(100, "", algorithm);
    await pushBlob(registry, REPOSITORY, blob);
    const url = `/v2/conformance/other/blobs/uploads/?mount=${blob.digest}`;
    await assertBlob(registry, locationOf(await expect(201, registry.ask("POST", url))), blob);
  });

  clause(`end-11: what cannot be mounted SHOULD be 202, and the upload goes on (${algorithm})`, async (registry) => {
    const blob = content(100, "", algorithm);
    for (const from of ["", `&from=${REPOSITORY}`, "&from=conformance/nothing"]) {
      const url = `/v2/conformance/other/blobs/uploads/?mount=${blob.digest}${from}`;
      const started = await expect(202, registry.ask("POST", url));
      assert.match(locationOf(started), UUID);
    }
    const started = await registry.ask("POST", `/v2/conformance/other/blobs/uploads/?mount=${blob.digest}`);
    const location = withDigest(locationOf(started), blob.digest);
    const created = await expect(201, registry.ask("PUT", location, { headers: OCTETS, body: blob.bytes }));
    await assertBlob(registry, locationOf(created), blob);
  });

  clause(`end-4b, end-6: a digest that the bytes do not have MUST NOT be taken (${algorithm})`, async (registry) => {
    const { digest } = content(100, "", algorithm);
    const { bytes } = content(100);
    const asked = { headers: OCTETS, body: bytes };
    const put = withDigest(await startUpload(registry, REPOSITORY), digest);
    for (
      const refused of [registry.ask("PUT", put, asked), registry.ask("POST", `${UPLOADS}?digest=${digest}`, asked)]
    ) {
      assert.deepEqual((await expect(400, refused)).codes(), ["DIGEST_INVALID"]);
    }
    for (const each of [digest, digestOf(bytes, algorithm)]) {
      await expect(404, registry.ask("HEAD", `/v2/${REPOSITORY}/blobs/${each}`));
    }
  });
}

clause("end-4b, end-6: a digest that is none is refused with 400", async (registry) => {
  const asked = { headers: OCTETS, body: content(10).bytes };
  for (const digest of ["", "sha256:abc", "md5:" + "a".repeat(32), "sha256:" + "A".repeat(64), "x"]) {
    const location = withDigest(await startUpload(registry, REPOSITORY), digest);
    assert.deepEqual((await expect(400, registry.ask("PUT", location, asked))).codes(), ["DIGEST_INVALID"]);
    await expect(400, registry.ask("POST", `${UPLOADS}?digest=${digest}`, asked));
    await expect(400, registry.ask("POST", `${UPLOADS}?mount=${digest}`));
  }
});

clause("end-6: a PUT that names no digest is refused, and the upload stays", async (registry) => {
  const blob = content(10);
  const location = await startUpload(registry, REPOSITORY);
  await expect(400, registry.ask("PUT", location, { headers: OCTETS, body: blob.bytes }));
  const asked = { headers: OCTETS, body: blob.bytes };
  await expect(201, registry.ask("PUT", withDigest(location, blob.digest), asked));
});

clause("end-5: a chunk that is not the next one MUST be 416, and the upload goes on where it was", async (registry) => {
  const blob = content(1000);
  let location = await startUpload(registry, REPOSITORY);
  // The first one has to begin with 0.
  const first = await expect(416, patch(registry, location, 500, blob.bytes.slice(500)));
  location = locationOf(first);
  location = locationOf(await expect(202, patch(registry, location, 0, blob.bytes.slice(0, 300))));
  for (const [start, end] of [[0, 300], [299, 600], [301, 600], [600, 1000]]) {
    const refused = await expect(416, patch(registry, location, start, blob.bytes.slice(start, end)));
    assert.equal(refused.headers.get("Range"), "0-299");
    location = locationOf(refused);
  }
  location = locationOf(await expect(202, patch(registry, location, 300, blob.bytes.slice(300, 900))));
  const body = blob.bytes.slice(900);
  const ahead = { headers: { ...OCTETS, ...rangeOf(901, body) }, body };
  await expect(416, registry.ask("PUT", withDigest(location, blob.digest), ahead));
  const right = { headers: { ...OCTETS, ...rangeOf(900, body) }, body };
  const created = await expect(201, registry.ask("PUT", withDigest(location, blob.digest), right));
  await assertBlob(registry, locationOf(created), blob);
});

clause("end-5: Content-Range MUST be two numbers, and as long as the chunk", async (registry) => {
  const { bytes: body } = content(10);
  const location = await startUpload(registry, REPOSITORY);
  for (const range of ["0", "0-", "-9", "a-b", "9-0", "0-8", "0-10", "bytes 0-8"]) {
    const asked = { headers: { ...OCTETS, "Content-Range": range }, body };
    await expect([400, 416], registry.ask("PATCH", location, asked));
    assert.equal((await expect(204, registry.ask("GET", location))).headers.get("Range"), "0-0");
  }
  await expect(202, patch(registry, location, 0, body));
});

clause("end-13: the state of an upload MUST be 204, with Location and Range", async (registry) => {
  const blob = content(1000);
  const location = await startUpload(registry, REPOSITORY);
  locationOf(await expect(204, registry.ask("GET", location)));
  const patched = locationOf(await expect(202, patch(registry, location, 0, blob.bytes.slice(0, 300))));
  for (const each of [location, patched]) {
    const { headers, ...rest } = await expect(204, registry.ask("GET", each));
    assert.equal(headers.get("Range"), "0-299");
    assert.match(locationOf({ headers, ...rest }), UUID);
  }
  await expect(416, patch(registry, patched, 500, blob.bytes.slice(500)));
  const stands = await expect(204, registry.ask("GET", patched));
  assert.equal(stands.headers.get("Range"), "0-299");
  const next = locationOf(await expect(202, patch(registry, locationOf(stands), 300, blob.bytes.slice(300))));
  await expect(201, registry.ask("PUT", withDigest(next, blob.digest)));
});

clause("end-5, end-6, end-13: an upload that is over, or never was, is 404", async (registry) => {
  const blob = content(10);
  const over = await startUpload(registry, REPOSITORY);
  const asked = { headers: OCTETS, body: blob.bytes };
  await expect(201, registry.ask("PUT", withDigest(over, blob.digest), asked));
  for (const location of [over, `${UPLOADS}${crypto.randomUUID()}`, `${UPLOADS}..`, `${UPLOADS}x`]) {
    for (
      const refused of [
        registry.ask("GET", location),
        registry.ask("PATCH", location, asked),
        registry.ask("PUT", withDigest(location, blob.digest), asked),
      ]
    ) {
      const { status } = await expect([404, 405], refused);
      // `..` is resolved by whoever asks.
      if (!location.endsWith("..")) assert.equal(status, 404);
    }
  }
  assert.deepEqual((await registry.ask("GET", over)).codes(), ["BLOB_UPLOAD_UNKNOWN"]);
});

clause("end-5: an upload that is given up by DELETE is gone", async (registry) => {
  const location = await startUpload(registry, REPOSITORY);
  await expect(202, patch(registry, location, 0, content(10).bytes));
  await expect(204, registry.ask("DELETE", location));
  await expect(404, registry.ask("GET", location));
  await expect(404, registry.ask("DELETE", location));
});

clause("end-5: uploads of the same blob at the same time do not disturb each other", async (registry) => {
  const blob = content(1000);
  const locations = [await startUpload(registry, REPOSITORY), await startUpload(registry, REPOSITORY)];
  for (const [start, end] of [[0, 500], [500, 1000]]) {
    for (const location of locations) await expect(202, patch(registry, location, start, blob.bytes.slice(start, end)));
  }
  for (const location of locations) await expect(201, registry.ask("PUT", withDigest(location, blob.digest)));
  await assertBlob(registry, `/v2/${REPOSITORY}/blobs/${blob.digest}`, blob);
});

clause("end-6: a blob that is there already may be pushed again", async (registry) => {
  const blob = content(1000);
  await pushBlob(registry, REPOSITORY, blob);
  await assertBlob(registry, locationOf(await pushBlob(registry, REPOSITORY, blob)), blob);
});

clause("end-4b: Content-Length MUST be that of the blob", async ({ served, ask }) => {
  const { digest, bytes } = content(100);
  const url = new URL(`${UPLOADS}?digest=${digest}`, served.url);
  using connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
  const head = `POST ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Length: 101\r\n\r\n`;
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode(head));
  await writer.write(bytes);
  await writer.close();
  await connection.readable.pipeTo(new WritableStream()).catch(() => {});
  await served.process.waitFor((line) => /POST .* [45]\d\d/.test(line) || undefined);
  await expect(404, ask("HEAD", `/v2/${REPOSITORY}/blobs/${digest}`));
});
