import assert from "node:assert/strict";
import { MemoryRepository } from "../../lib/content/mod.ts";
import { makeImage, pull, removeBlob, scratch } from "../../lib/store/_testing.ts";
import { CheckedFiles, storedRepositories } from "../../lib/serving/mod.ts";
import { greeting, type GreetingOptions } from "./greeting.ts";

const AT = { hostname: "127.0.0.1", port: 5000 };

async function lines(made: ReturnType<typeof scratch>, options: Partial<GreetingOptions> = {}): Promise<string[]> {
  const store = made.open();
  const offer = {
    label: "it",
    repositories: storedRepositories(store, new CheckedFiles({ onDamaged: () => {} })),
    holds: ({ digest, size }: Parameters<Parameters<typeof greeting>[0]["holds"]>[0]) =>
      store.fileOf(digest)?.size === size,
  };
  const text = await greeting(offer, AT, { mirrorOf: [], isWritable: false, anonymousPull: false, ...options });
  return text.trimEnd().split("\n").slice(1);
}

Deno.test("an image is named as an example only if all of it is there", async () => {
  using made = scratch();
  const source = new MemoryRepository();
  for (const name of ["a", "b"]) {
    makeImage(source, name);
    await pull(source, name, made.open(), `example.org/${name}:v1`);
  }
  const pullOf = (name: string) => [
    `Pull with: satchel image pull --insecure-registries 127.0.0.1:5000 127.0.0.1:5000/example.org/${name}:v1`,
  ];
  assert.deepEqual(await lines(made), pullOf("a"));
  const { descriptor } = await source.resolve("a");
  const { manifests } = JSON.parse(new TextDecoder().decode(source.contents.get(descriptor.digest)!.bytes));
  const { config } = JSON.parse(new TextDecoder().decode(source.contents.get(manifests[0].digest)!.bytes));
  removeBlob(made.path, config.digest);
  assert.deepEqual(await lines(made), pullOf("b"));
  await made.open().remove("example.org/b:v1");
  assert.deepEqual(await lines(made), ["No image was found that is there for all of its platforms"]);
  await made.open().remove("example.org/a:v1");
  assert.deepEqual(await lines(made), ["There is no image with a name in it yet"]);
});

Deno.test("who needs no account is not told to log in", async () => {
  using made = scratch();
  const login = async (options: Partial<GreetingOptions>) =>
    (await lines(made, options)).filter((line) => /log in/i.test(line)).map((line) => line.split(" with: ")[0]);
  assert.deepEqual(await login({}), []);
  assert.deepEqual(await login({ htpasswd: "users" }), ["Log in"]);
  assert.deepEqual(await login({ htpasswd: "users", isWritable: true }), ["Log in"]);
  assert.deepEqual(await login({ htpasswd: "users", isWritable: true, anonymousPull: true }), ["To push, log in"]);
  assert.deepEqual(await login({ htpasswd: "users", anonymousPull: true }), []);
});
