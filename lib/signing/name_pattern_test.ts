import { strict as assert } from "node:assert";
import fc from "fast-check";
import { hasCode } from "../error.ts";
import { type Digest, parseReference } from "../oci/mod.ts";
import { compareSpecificity, matcherOf, parseNamePattern } from "./name_pattern.ts";

const DIGEST: Digest = `sha256:${"a".repeat(64)}`;
const OTHER: Digest = `sha256:${"b".repeat(64)}`;

function matches(pattern: string, name: string, digest?: Digest): boolean {
  return matcherOf({ reference: parseReference(name), ...(digest && { digest }) })(parseNamePattern(pattern));
}

Deno.test("a repository without a tag means each tag and digest of it, and no other repository", () => {
  assert.ok(matches("ghcr.io/team/app", "ghcr.io/team/app:v1"));
  assert.ok(matches("ghcr.io/team/app", `ghcr.io/team/app@${DIGEST}`));
  assert.ok(!matches("ghcr.io/team/app", "ghcr.io/team/app2:v1"));
  assert.ok(!matches("ghcr.io/team/app", "ghcr.io/team/app/x:v1"));
});

Deno.test("names are filled in as those of images are", () => {
  assert.ok(matches("trace_open", "ghcr.io/inspektor-gadget/gadget/trace_open:v1"));
  assert.ok(matches("trace_*", "trace_exec"));
  assert.ok(!matches("trace_*", "ghcr.io/other/gadget/trace_exec"));
  assert.ok(matches("team/*", "ghcr.io/team/a/b:v1"));
  assert.ok(matches("docker.io/nginx", "docker.io/library/nginx:1"));
  assert.ok(matches("docker.io/*", "docker.io/nginx"));
});

Deno.test("one place has one name: hosts in any case, the port of HTTPS, the three names of Docker Hub", () => {
  for (const name of ["GHCR.io/team/app", "ghcr.io:443/team/app", "ghcr.io:0443/team/app", "Ghcr.IO:443/team/app"]) {
    assert.ok(matches("ghcr.io/team/*", name), name);
    assert.ok(matches(name, "ghcr.io/team/app:v1"), name);
  }
  for (
    const name of [
      "index.docker.io/nginx",
      "registry-1.docker.io/library/nginx",
      "INDEX.docker.io/nginx",
      "docker.io:443/nginx",
    ]
  ) {
    assert.ok(matches("docker.io/library/nginx", name), name);
  }
  assert.ok(matches("127.0.0.1:5000/a/b", "127.1:5000/a/b"));
  assert.ok(!matches("ghcr.io/team/*", "ghcr.io:8443/team/app"));
  assert.ok(!matches("localhost:5000/a", "localhost:5001/a"));
});

Deno.test("a tag means itself alone, and a tag beside a digest decides nothing", () => {
  assert.ok(matches("ghcr.io/team/app:v1", "ghcr.io/team/app:v1", DIGEST));
  assert.ok(!matches("ghcr.io/team/app:v1", "ghcr.io/team/app:v10"));
  assert.ok(!matches("ghcr.io/team/app:v1", `ghcr.io/team/app:v1@${OTHER}`));
  assert.ok(!matches("ghcr.io/team/app:v1*", `ghcr.io/team/app:v1@${OTHER}`));
  assert.ok(matches("ghcr.io/team/app:v1*", "ghcr.io/team/app:v10"));
});

Deno.test("a digest means what is behind the name, in its repository alone", () => {
  const pattern = `ghcr.io/team/app@${DIGEST}`;
  assert.ok(matches(pattern, "ghcr.io/team/app:v1", DIGEST));
  assert.ok(matches(pattern, `ghcr.io/team/app@${DIGEST}`));
  assert.ok(!matches(pattern, "ghcr.io/team/app:v1", OTHER));
  assert.ok(!matches(pattern, "ghcr.io/team/app:v1"));
  assert.ok(!matches(pattern, "ghcr.io/other/app:v1", DIGEST));
});

Deno.test("a star alone means everything, one behind a slash everything below", () => {
  assert.ok(matches("*", "example.org/x"));
  assert.ok(matches("ghcr.io/team/*", "ghcr.io/team/a/b/c:v1"));
  assert.ok(!matches("ghcr.io/team/*", "ghcr.io/teamevil/a:v1"));
  assert.ok(!matches("ghcr.io/*", "ghcr.io.example.org/a/b"));
});

Deno.test("a star that would mean other registries or other owners is refused", () => {
  for (const text of ["ghcr.io*", "ghcr*.io/x", "localhost*", "localhost:50*", "GHCR*", "trace_open:*"]) {
    assert.throws(() => parseNamePattern(text), { code: "usage" }, text);
  }
  assert.throws(() => parseNamePattern("ghcr.io/team*"), {
    message: /every owner whose name starts so: write ghcr\.io\/team\/\*/,
  });
  assert.throws(() => parseNamePattern("docker.io/ngin*"), { code: "usage" });
  assert.throws(() => parseNamePattern("localhost:5000/team*"), { code: "usage" });
  assert.equal(parseNamePattern("ghcr.io/team/app-*").value, "ghcr.io/team/app-");
  assert.equal(parseNamePattern("localhost:5000/app:v*").value, "localhost:5000/app:v");
});

Deno.test("what is no name is no pattern", () => {
  for (
    const text of [
      "",
      "ghcr.io/Team/*",
      "**",
      "ghcr.io/*/app",
      "ghcr.io/team/app@sha256:*",
      "https://ghcr.io/team/*",
      "a b*",
    ]
  ) {
    assert.throws(() => parseNamePattern(text), { code: "usage" }, text);
  }
});

Deno.test("a digest says more than a tag, that more than a repository, and that more than a start", () => {
  const texts = [
    `ghcr.io/a/b@${DIGEST}`,
    "ghcr.io/a/b:v1",
    "ghcr.io/a/b:v*",
    "ghcr.io/a/b",
    "ghcr.io/a/b*",
    "ghcr.io/a/*",
    "*",
  ];
  const sorted = texts.toReversed().map(parseNamePattern).sort(compareSpecificity).map(({ text }) => text);
  assert.deepEqual(sorted, texts);
});

Deno.test("any text is a pattern or an error that says so, and a name that is one means itself", () => {
  const parts = [
    "ghcr.io",
    "localhost",
    ":5000",
    "/",
    "*",
    "team",
    "A",
    ":v1",
    `@${DIGEST}`,
    "..",
    "-",
    "[::1]",
    " ",
    "é",
  ];
  const texts = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...parts), { maxLength: 7 }).map((some) => some.join("")),
  );
  fc.assert(fc.property(texts, (text) => {
    let pattern;
    try {
      pattern = parseNamePattern(text);
    } catch (error) {
      return assert.ok(hasCode(error, "usage"), String(error));
    }
    if (pattern.kind !== "prefix") assert.ok(matches(text, text), text);
    else if (text !== "*") assert.match(pattern.value, /^[^/]+\//, text);
  }));
});
