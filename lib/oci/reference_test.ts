import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { SatchelError } from "../error.ts";
import { canonicalRegistry, familiarRepository, formatReference, parseReference, registryHost } from "./reference.ts";

const TABLE = new URL("../../tests/fixtures/ref-names.tsv", import.meta.url);
const SAMPLE_DIGEST = "sha256:45494cfb78870b3841feccee987c97b113797f3155b6e1f6b01910318d1dc578";

/** Rows of the recorded table: what was typed, the exit status of `ig`, and what it printed. */
function recordedNames(): { typed: string; status: string; printed: string }[] {
  return readFileSync(TABLE, "utf8").trimEnd().split("\n").map((line) => {
    const [typed, status, printed] = line.split("\t");
    return { typed: typed.replace("<a x129>", "a".repeat(129)), status, printed };
  });
}

/** The name as `ig` prints it: without a digest, an empty tag where there is none. */
function asPrinted(typed: string): string {
  const { registry, repository, tag = "" } = parseReference(typed);
  return `${registry}/${repository}:${tag}@DIGEST`;
}

for (const { typed, status, printed } of recordedNames()) {
  const shown = typed.length > 80 ? `${typed.slice(0, 20)}... (${typed.length} characters)` : typed;
  if (status === "0") {
    Deno.test(`the name ${JSON.stringify(shown)} is read as ig reads it`, () => {
      // The recording replaced every sha256 digest by DIGEST, also where it is a name and a tag.
      const expected = printed.replace("Successfully tagged with ", "").replace(
        /DIGEST@DIGEST$/,
        `${SAMPLE_DIGEST}@DIGEST`,
      );
      assert.equal(asPrinted(typed), expected);
    });
  } else {
    Deno.test(`the name ${JSON.stringify(shown)} is refused as ig refuses it`, () => {
      const reason = printed.slice(printed.lastIndexOf('":') + 3);
      assert.throws(() => parseReference(typed), (error: unknown) => {
        assert.ok(error instanceof SatchelError);
        assert.equal(error.code, "usage");
        assert.ok(error.message.includes(reason), `${error.message} should say ${reason}`);
        return true;
      });
    });
  }
}

Deno.test("a reference with a tag and a digest keeps both", () => {
  const text = `ghcr.io/inspektor-gadget/gadget/foo:v1@${SAMPLE_DIGEST}`;
  assert.equal(formatReference(parseReference(`foo:v1@${SAMPLE_DIGEST}`)), text);
});

Deno.test("a reference with a digest alone gets no tag", () => {
  assert.equal(parseReference(`foo@${SAMPLE_DIGEST}`).tag, undefined);
});

Deno.test("a repository name of more than 255 characters is refused", () => {
  assert.throws(() => parseReference(`example.org/${"a".repeat(244)}`), /longer than 255/);
  assert.equal(parseReference(`example.org/${"a".repeat(243)}`).registry, "example.org");
});

Deno.test("lists show official gadgets without their prefix, and all else in full", () => {
  assert.equal(familiarRepository(parseReference("trace_open")), "trace_open");
  assert.equal(familiarRepository(parseReference("quay.io/foo")), "quay.io/foo");
  assert.equal(familiarRepository(parseReference("ghcr.io/foo/bar")), "ghcr.io/foo/bar");
});

Deno.test("a repository deeper than the official namespace is shown in full, so that it can be typed again", () => {
  const deep = parseReference("ghcr.io/inspektor-gadget/gadget/a/b");
  assert.equal(familiarRepository(deep), "ghcr.io/inspektor-gadget/gadget/a/b");
});

Deno.test("Docker Hub is one registry with three names and a host of its own", () => {
  for (const alias of ["docker.io", "index.docker.io", "registry-1.docker.io"]) {
    assert.equal(canonicalRegistry(alias), "docker.io");
    assert.equal(registryHost(alias), "registry-1.docker.io");
    assert.equal(formatReference(parseReference(`${alias}/foo`)), "docker.io/library/foo:latest");
  }
});

Deno.test("a formatted reference reads back as itself", () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,8}){0,2}$/);
  const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/);
  const registry = fc.constantFrom("ghcr.io", "docker.io", "localhost:5000", "[::1]:5000", "example.org", "10.0.0.1:1");
  fc.assert(fc.property(registry, fc.array(part, { minLength: 2, maxLength: 4 }), tag, (host, path, name) => {
    const text = `${host}/${path.join("/")}:${name}`;
    assert.equal(formatReference(parseReference(text)), text);
  }));
});

Deno.test("whatever is typed is either read or refused as wrong usage", () => {
  fc.assert(fc.property(fc.string({ maxLength: 400, unit: "binary" }), (text) => {
    try {
      const formatted = formatReference(parseReference(text));
      assert.equal(formatReference(parseReference(formatted)), formatted);
    } catch (error) {
      assert.ok(error instanceof SatchelError && error.code === "usage", String(error));
    }
  }));
});
