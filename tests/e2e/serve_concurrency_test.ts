import assert from "node:assert/strict";
import {
  assertHolds,
  describe,
  digestOf,
  type Image,
  makeGadget,
  pushImage,
  satchel,
  scratchFolder,
  type Served,
  startServe,
  WRITABLE,
} from "../harness/mod.ts";
import { assertClean, names, startWorld } from "./serve_writes.ts";

const ACTORS = 3;
const ROUNDS = 4;
/** A push is begun anew where something that it relies on was just removed; as often as this. */
const TRIES = 20;

/** What went wrong, in the words of who noticed. */
type Complaints = string[];

/** Gets an image as clients do. What is not there any more is no wrong answer; wrong bytes and failures are. */
async function pull(served: Served, path: string, complaints: Complaints): Promise<void> {
  const get = async (what: string): Promise<Uint8Array | undefined> => {
    const response = await served.fetch(`/v2/${path}/${what}`);
    const bytes = await response.bytes();
    const { status, headers } = response;
    if (status === 404) return undefined;
    if (status !== 200) complaints.push(`GET ${what}: ${status} ${new TextDecoder().decode(bytes)}`);
    else if (headers.get("Docker-Content-Digest") !== digestOf(bytes)) complaints.push(`GET ${what}: wrong bytes`);
    return status === 200 ? bytes : undefined;
  };
  const children = async (bytes: Uint8Array | undefined): Promise<void> => {
    if (!bytes) return;
    const { manifests = [], config, layers = [] } = JSON.parse(new TextDecoder().decode(bytes));
    for (const { digest } of manifests) await children(await get(`manifests/${digest}`));
    for (const each of [config, ...layers]) if (each) await get(`blobs/${each.digest}`);
  };
  await children(await get("manifests/v1"));
}

/** The one failure that is nobody's fault, of what writes. */
function isLocked(status: number, body: Uint8Array): boolean {
  return status === 503 && new TextDecoder().decode(body).includes("locked");
}

/** Pushes an image until it holds: what it shares with one that is being removed may vanish before it is needed. */
async function push(served: Served, repository: string, tag: string, image: Image): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      return await pushImage(served, repository, tag, image);
    } catch (error) {
      const isMissing = String(error).includes("MANIFEST_BLOB_UNKNOWN") || String(error).includes("is locked");
      if (!isMissing || tries === TRIES) throw error;
    }
  }
}

Deno.test("pull, tag, remove and gc beside a server that is pulled from and pushed to: no wrong byte, no failure, a whole store", async () => {
  await using source = await startWorld();
  await using scratch = await scratchFolder();
  const store = scratch.at("store");
  await using served = await startServe({ store, flags: WRITABLE });
  const images = Array.from({ length: ACTORS }, () => makeGadget({ layers: 3, layerSize: 200_000 }));
  for (const [at, image] of images.entries()) await pushImage(source.served, `demo/${at}`, "v1", image);

  const complaints: Complaints = [];
  const command = async (...args: string[]) => {
    const outcome = await satchel(args, { store, env: { SATCHEL_INSECURE_REGISTRIES: source.served.host } });
    if (outcome.code !== 0) complaints.push(`${args.join(" ")}: ${describe(outcome)}`);
  };
  const administrate = async (at: number) => {
    const pulled = `${source.served.host}/demo/${at}:v1`;
    for (let round = 0; round < ROUNDS; round++) {
      await command("image", "pull", pulled);
      await command("image", "tag", pulled, `example.org/tagged/${at}:v1`);
      await command("image", "remove", pulled);
      if (round < ROUNDS - 1) await command("image", "remove", `example.org/tagged/${at}:v1`);
      await command("store", "gc");
    }
  };
  let isOver = false;
  const pushAndDelete = async (at: number) => {
    for (let round = 0; !isOver || round === 0; round++) {
      await push(served, `example.org/pushed/${at}`, "v1", images[at]);
      await pull(served, `example.org/pushed/${at}`, complaints);
      const gone = await served.fetch(`/v2/example.org/pushed/${at}/manifests/v1`, { method: "DELETE" });
      const body = await gone.bytes();
      if (gone.status !== 202 && !isLocked(gone.status, body)) complaints.push(`DELETE: ${gone.status}`);
    }
    await push(served, `example.org/pushed/${at}`, "v1", images[at]);
  };
  const read = async (at: number) => {
    while (!isOver) await pull(served, `example.org/tagged/${at}`, complaints);
  };
  const each = (actor: (at: number) => Promise<void>) => Array.from({ length: ACTORS }, (_, at) => actor(at));
  const clients = Promise.allSettled([...each(pushAndDelete), ...each(read)]);
  const administrators = await Promise.allSettled(each(administrate));
  isOver = true;
  for (const outcome of [...administrators, ...await clients]) {
    if (outcome.status === "rejected") complaints.push(String(outcome.reason));
  }
  assert.deepEqual(complaints, []);

  assert.deepEqual(
    await names(store),
    Object.fromEntries(
      ["pushed", "tagged"].flatMap((kind) =>
        Array.from({ length: ACTORS }, (_, at) => [`example.org/${kind}/${at}:v1`, images[at].root.digest])
      ),
    ),
  );
  for (let at = 0; at < ACTORS; at++) {
    for (const kind of ["pushed", "tagged"]) {
      await assertHolds(served, `example.org/${kind}/${at}`, "v1", images[at]);
    }
  }
  await assertClean(store);
});
