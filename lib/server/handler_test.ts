import { strict as assert } from "node:assert";
import { SatchelError } from "../error.ts";
import { asking, errorCodes, Shelf } from "./_testing.ts";
import { WritableShelf } from "./_testing_writes.ts";
import { type Answered, createHandler, unsentAnswer } from "./handler.ts";

/** An error as the system's calls throw it. */
function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: open '/var/lib/secret'`), { code });
}

/** A handler whose store fails with this. */
function failing(error: unknown, onAnswer?: (answered: Answered) => void) {
  const { repositories } = new Shelf();
  return asking(new Shelf(), { repositories: { ...repositories, list: () => Promise.reject(error) }, onAnswer });
}

Deno.test("without a file descriptor left clients are told to come again, whichever error that is behind", async () => {
  const wrapped = new SatchelError("storage", "cannot read /var/lib/secret", { cause: systemError("ENFILE") });
  for (const error of [systemError("EMFILE"), wrapped]) {
    const answers: Answered[] = [];
    for (
      const response of [
        await failing(error, (answered) => answers.push(answered))("/v2/_catalog"),
        unsentAnswer(error),
      ]
    ) {
      assert.equal(response.status, 503);
      assert.equal(response.headers.get("Retry-After"), "1");
      assert.doesNotMatch(await response.text(), /secret/);
    }
    assert.equal(answers[0].error, error);
  }
});

Deno.test("what went wrong here is told by its kind, whatever was asked for, and without a place of this host", async () => {
  for (
    const [code, reason] of [
      ["invalid", "what is stored here cannot be read"],
      ["storage", "the file system failed"],
      ["integrity", "this content is damaged here"],
      ["program", "something went wrong"],
    ] as const
  ) {
    const response = await failing(new SatchelError(code, "/var/lib/secret/index.json is bad"))("/v2/_catalog");
    assert.equal(response.status, 500);
    assert.equal((await response.json()).errors[0].message, reason);
  }
  const broken = new SatchelError("storage", "/var/lib/secret/index.json is bad", {
    cause: new SatchelError("invalid", "/var/lib/secret/index.json is bad"),
  });
  const response = await failing(broken)("/v2/_catalog");
  assert.equal((await response.json()).errors[0].message, "what is stored here cannot be read");
});

Deno.test("a URL that is none is answered and told like any other request", async () => {
  const answers: Answered[] = [];
  const handler = createHandler({
    repositories: new Shelf().repositories,
    mirrorOf: [],
    fileBody: () => "",
    onAnswer: (answered) => answers.push(answered),
  });
  // A runtime makes this of the header "Host: [::"; as a `Request` it could not be made here.
  const { signal, headers } = new Request("http://registry.test/");
  const request = { url: "http://[::/v2/", method: "GET", headers, signal } as Request;
  const response = await handler(request, { address: "192.0.2.1" });
  assert.equal(response.status, 400);
  assert.equal(response.headers.get("Docker-Distribution-API-Version"), "registry/2.0");
  assert.deepEqual(await errorCodes(response), ["UNSUPPORTED"]);
  assert.deepEqual(answers.map(({ status, path, endpoint }) => ({ status, path, endpoint })), [
    { status: 400, path: "http://[::/v2/", endpoint: "other" },
  ]);
});

Deno.test("an answer whose file is gone says that the blob is; one that cannot be read says no more than that", async () => {
  const gone = unsentAnswer(systemError("ENOENT"));
  assert.deepEqual([gone.status, await errorCodes(gone)], [404, ["BLOB_UNKNOWN"]]);
  const failed = unsentAnswer(systemError("EIO"));
  assert.equal(failed.status, 500);
  assert.doesNotMatch(await failed.text(), /secret/);
});

Deno.test("answers without a body are told to have sent no bytes, and others as many as they announce", async () => {
  const answers: Answered[] = [];
  const ask = asking(new Shelf(), { onAnswer: (answered) => answers.push(answered) });
  const response = await ask("/v2/_catalog");
  await ask("/v2/_catalog", { method: "HEAD" });
  const length = (await response.bytes()).length;
  assert.deepEqual(answers.map(({ bytes }) => bytes), [length, 0]);
  const written: Answered[] = [];
  const shelf = new Shelf();
  const { repositories } = new WritableShelf(shelf);
  await asking(shelf, { repositories, onAnswer: (answered) => written.push(answered) })(
    "/v2/example.org/demo/blobs/uploads/",
    { method: "POST" },
  );
  assert.deepEqual(written.map(({ status, bytes }) => [status, bytes]), [[202, 0]]);
});

Deno.test("a client that was gone before its address could be told is told of as one that left", async () => {
  const answers: Answered[] = [];
  const { repositories } = new Shelf();
  const onAnswer = (answered: Answered) => void answers.push(answered);
  const handler = createHandler({ repositories, mirrorOf: [], fileBody: () => "", onAnswer });
  await handler(new Request("http://registry.test/v2/"), { address: "" });
  assert.deepEqual(answers.map(({ status }) => status), [499]);
});
