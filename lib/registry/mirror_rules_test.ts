import assert from "node:assert/strict";
import fc from "fast-check";
import { formatEndpoint, type MirrorRule, mirrorsOf, parseEndpoint, parseMirrorKey } from "./mirror_rules.ts";

/** Rules as a configuration file would have them. */
function rules(config: Record<string, string[]>): MirrorRule[] {
  return Object.entries(config).map(([key, endpoints]) => ({
    ...parseMirrorKey(key)!,
    mirrors: endpoints.map((text) => ({ ...parseEndpoint(text)!, resolveTags: false })),
  }));
}

/** Where a repository is looked for: `registry/repository`. */
function places(config: Record<string, string[]>, registry: string, repository: string): string[] {
  return mirrorsOf(rules(config), { registry, repository }).map(({ mirror, repository }) =>
    `${mirror.registry}/${repository}`
  );
}

Deno.test("behind a registry's mirror the repository keeps its path", () => {
  assert.deepEqual(places({ "ghcr.io": ["m", "n:5000/a/b/"] }, "ghcr.io", "team/x"), ["m/team/x", "n:5000/a/b/team/x"]);
});

Deno.test("a prefix is replaced by its mirror's path", () => {
  assert.deepEqual(places({ "ghcr.io/team": ["m/copies", "n"] }, "ghcr.io", "team/x"), ["m/copies/x", "n/x"]);
  assert.deepEqual(places({ "ghcr.io/team/x": ["m/y", "n"] }, "ghcr.io", "team/x"), ["m/y"]);
});

Deno.test("the longest prefix counts, by whole components", () => {
  const config = { "ghcr.io": ["a"], "ghcr.io/team": ["b"], "ghcr.io/team/x/y": ["c"], "ghcr.io/none": [] };
  assert.deepEqual(places(config, "ghcr.io", "team/x"), ["b/x"]);
  assert.deepEqual(places(config, "ghcr.io", "teams/x"), ["a/teams/x"]);
  assert.deepEqual(places(config, "ghcr.io", "none/x"), []);
  assert.deepEqual(places(config, "quay.io", "team/x"), []);
});

Deno.test("the names of Docker Hub are one, and letters' case does not count in a registry", () => {
  for (const key of ["docker.io", "index.docker.io", "registry-1.docker.io", "Docker.IO"]) {
    assert.deepEqual(places({ [key]: ["m"] }, "docker.io", "library/x"), ["m/library/x"]);
  }
  assert.deepEqual(places({ "localhost:5000": ["m"] }, "LOCALHOST:5000", "x"), ["m/x"]);
});

Deno.test("what is no registry, prefix or endpoint is not taken", () => {
  for (const text of ["", "/x", "ghcr.io//x", "ghcr.io/X", "ghcr.io/x:tag", "https://ghcr.io", "ghcr.io/x/"]) {
    assert.equal(parseMirrorKey(text), undefined, text);
  }
  for (const text of ["", "http://", "ftp://m", "m?x", "user:pass@m", "m/a b", "m/..", "m#x", "http://http://m"]) {
    assert.equal(parseEndpoint(text), undefined, text);
  }
});

Deno.test("an endpoint reads back as it was written", () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const endpoint = fc.record({
    registry: fc.tuple(part, fc.option(fc.integer({ min: 1, max: 65535 }))).map(([host, port]) =>
      port === null ? `${host}.example` : `${host}:${port}`
    ),
    path: fc.array(part, { maxLength: 3 }).map((parts) => parts.join("/")),
    scheme: fc.constantFrom(undefined, "http" as const, "https" as const),
  });
  fc.assert(fc.property(endpoint, ({ scheme, ...rest }) => {
    const written = { ...rest, ...(scheme && { scheme }) };
    assert.deepEqual(parseEndpoint(formatEndpoint(written)), written);
  }));
});

Deno.test("no text makes a mirror of a place that is not in it", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    const endpoint = parseEndpoint(text);
    if (endpoint) assert.ok(text.toLowerCase().includes(`${endpoint.registry}${endpoint.path && `/${endpoint.path}`}`));
  }));
});
