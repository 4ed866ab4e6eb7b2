import { strict as assert } from "node:assert";
import fc from "fast-check";
import { formatRepository, parseReference } from "../oci/mod.ts";
import { ApiError } from "./api_error.ts";
import { offeredName, offeredNames, repositoriesOf } from "./names.ts";

const NONE = { mirrorOf: [] };

function named(text: string) {
  const { registry, repository } = parseReference(text);
  return { registry, repository };
}

function readings(name: string, mirrorOf: readonly string[] = [], ns?: string): string[] {
  return repositoriesOf(name, ns, { mirrorOf }).map(formatRepository);
}

const component = fc.stringMatching(/^[a-z0-9]{1,4}([._-][a-z0-9]{1,3}){0,2}$/);
const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const host = fc.oneof(
  fc.constantFrom("ghcr.io", "docker.io", "127.0.0.1", "localhost", "[::1]", "[fe80::1:2]", "Host"),
  fc.domain(),
  fc.stringMatching(/^[a-z]{1,3}(-[0-9]{1,2})?$/),
);
const registry = fc.oneof(
  fc.tuple(host, fc.nat(65535)).map(([name, port]) => `${name}:${port}`),
  host.filter((name) => /[.A-Z]/.test(name) || name === "localhost"),
);

Deno.test("the name under which a repository is offered leads back to it", () => {
  fc.assert(fc.property(registry, path, fc.array(registry, { maxLength: 2 }), (registry, path, others) => {
    const repository = named(`${registry}/${path}`);
    for (const mirrorOf of [[], others, [...others, repository.registry]]) {
      const offered = offeredName(repository, { mirrorOf });
      assert.ok(readings(offered, mirrorOf).includes(formatRepository(repository)), offered);
      assert.match(offered, /^[^:]+$/, "a client cannot write it");
    }
  }));
});

Deno.test("a registry that nobody could take for a part of a path is the one meaning of its name", () => {
  fc.assert(fc.property(registry.filter((name) => /[.A-Z[]|^localhost/.test(name)), path, (registry, path) => {
    const repository = named(`${registry}/${path}`);
    assert.deepEqual(readings(offeredName(repository, NONE)), [formatRepository(repository)]);
    assert.deepEqual(readings(offeredName(repository, NONE), ["ghcr.io", "quay.io"]), [formatRepository(repository)]);
  }));
});

Deno.test("whatever is asked for is a repository or an invalid name", () => {
  const hostile = fc.oneof(
    fc.string({ maxLength: 300, unit: "binary" }),
    fc.stringMatching(/^[a-z0-9._:/@[\]\\%-]{0,60}$/),
    path,
  );
  fc.assert(fc.property(hostile, fc.option(hostile, { nil: undefined }), fc.boolean(), (name, ns, mirrors) => {
    try {
      for (const each of repositoriesOf(name, ns, { mirrorOf: mirrors ? ["ghcr.io", "127.0.0.1:5001"] : [] })) {
        // So that what is pushed has a name that the store can read again.
        assert.deepEqual(named(formatRepository(each)), each);
      }
    } catch (error) {
      assert.ok(error instanceof ApiError && error.code === "NAME_INVALID", String(error));
    }
  }));
});

Deno.test("names are read as on the command line", () => {
  assert.deepEqual(readings("trace_open"), ["ghcr.io/inspektor-gadget/gadget/trace_open"]);
  assert.deepEqual(readings("team/app"), ["ghcr.io/team/app"]);
  assert.deepEqual(readings("docker.io/alpine"), ["docker.io/library/alpine"]);
  assert.deepEqual(readings("127.0.0.1_5001/fixture/hello"), ["127.0.0.1:5001/fixture/hello"]);
  assert.deepEqual(readings("127.0.0.1:5001/fixture/hello"), ["127.0.0.1:5001/fixture/hello"]);
  assert.deepEqual(readings("registry_5000/hello"), [
    "ghcr.io/registry_5000/hello",
    "registry:5000/hello",
  ]);
});

Deno.test("a name without a registry is that of a registry which the server stands in for", () => {
  assert.deepEqual(readings("team/app", ["quay.io"]), ["quay.io/team/app"]);
  assert.deepEqual(readings("team/app", ["quay.io", "ghcr.io"]), ["quay.io/team/app", "ghcr.io/team/app"]);
  assert.deepEqual(readings("alpine", ["index.docker.io"]), ["docker.io/library/alpine"]);
  assert.deepEqual(readings("index.docker.io/library/alpine", ["quay.io"]), ["docker.io/library/alpine"]);
});

Deno.test("ns says which registry is meant", () => {
  assert.deepEqual(readings("library/alpine", [], "docker.io"), ["docker.io/library/alpine"]);
  assert.deepEqual(readings("library/alpine", ["ghcr.io"], "registry-1.docker.io"), ["docker.io/library/alpine"]);
  assert.deepEqual(readings("hello", [], "127.0.0.1:5001"), ["127.0.0.1:5001/hello"]);
  assert.deepEqual(readings("ghcr.io/team/app", [], "ghcr.io"), ["ghcr.io/team/app", "ghcr.io/ghcr.io/team/app"]);
  assert.deepEqual(readings("quay.io/team/app", [], "ghcr.io"), ["ghcr.io/quay.io/team/app"]);
  assert.throws(() => readings("hello/x", [], "ghcr"), { code: "NAME_INVALID" });
  assert.throws(() => readings("hello", [], "ghcr.io/team"), { code: "NAME_INVALID" });
});

Deno.test("of two repositories that would have one name, the likelier one has it and the other its full one", () => {
  const repositories = ["docker.io/team/app", "ghcr.io/team/app", "ghcr.io/x/y", "quay.io/z"].map(named);
  assert.deepEqual(offeredNames(repositories, { mirrorOf: ["ghcr.io", "docker.io"] }), [
    "docker.io/team/app",
    "quay.io/z",
    "team/app",
    "x/y",
  ]);
});

Deno.test("a repository whose path looks like a registry keeps its full name", () => {
  const odd = { registry: "ghcr.io", repository: "docker.io/x/y" };
  assert.equal(offeredName(odd, { mirrorOf: ["ghcr.io"] }), "ghcr.io/docker.io/x/y");
});

Deno.test("the case of a registry in ns says nothing, and a path in it is refused", () => {
  const rules = { mirrorOf: [] };
  assert.deepEqual(repositoriesOf("team/app", "GHCR.IO", rules), repositoriesOf("team/app", "ghcr.io", rules));
  assert.throws(() => repositoriesOf("app", "ghcr.io/team", rules), { code: "NAME_INVALID" });
});
