import assert from "node:assert/strict";
import { ALGORITHMS, content, describe, emptyJson, image, index, type Pushable, TYPE } from "./content.ts";
import { clause, expect, push, putManifest, type Registry } from "./registry.ts";

// distribution-spec 1.1, "Content Discovery".

const REPOSITORY = "conformance/discovery";
const LIST = `/v2/${REPOSITORY}/tags/list`;
const REFERRERS = `/v2/${REPOSITORY}/referrers`;

/** Gives all of these tags to one image. */
async function pushTags(registry: Registry, tags: readonly string[]): Promise<void> {
  const pushed = image();
  await push(registry, REPOSITORY, pushed);
  for (const tag of tags) await expect(201, putManifest(registry, REPOSITORY, tag, pushed.root));
}

/** Where the next page is, by its header. */
function next(headers: Headers): string | undefined {
  const link = headers.get("Link");
  if (link === null) return undefined;
  const [, url] = /^<([^>]+)>; rel="next"$/.exec(link) ?? [];
  assert.ok(url, link);
  return url;
}

async function tagsAt({ ask }: Registry, path: string): Promise<{ tags: string[]; next?: string }> {
  const answer = await expect(200, ask("GET", path));
  return { tags: answer.json().tags, next: next(answer.headers) };
}

clause(
  "end-8a: the list of tags MUST be 200, with the name of the repository and its tags in order",
  async (registry) => {
    await pushTags(registry, ["v2", "v10", "latest", "v1"]);
    const answer = await expect(200, registry.ask("GET", LIST));
    assert.match(answer.headers.get("Content-Type") ?? "", /^application\/json\b/);
    assert.deepEqual(answer.json(), { name: REPOSITORY, tags: ["latest", "v1", "v10", "v2"] });
  },
);

clause("end-8a: the order MUST be that of letters and digits without regard to case", async (registry) => {
  await pushTags(registry, ["b", "A", "c", "B2", "a2"]);
  assert.deepEqual((await tagsAt(registry, LIST)).tags, ["A", "a2", "b", "B2", "c"]);
});

clause("end-8a: a repository that does not exist has no list of tags", async (registry) => {
  assert.deepEqual((await expect(404, registry.ask("GET", LIST))).codes(), ["NAME_UNKNOWN"]);
});

clause("end-8b: n MUST give as many tags, and a Link to more MUST be rel=next", async (registry) => {
  const all = ["a", "b", "c", "d", "e"];
  await pushTags(registry, all);
  for (const n of [1, 2, 4, 5, 6]) {
    const pages: string[][] = [];
    for (let path: string | undefined = `${LIST}?n=${n}`; path !== undefined;) {
      const page: Awaited<ReturnType<typeof tagsAt>> = await tagsAt(registry, path);
      pages.push(page.tags);
      assert.equal(page.tags.length, Math.min(n, all.length - pages.slice(0, -1).flat().length));
      path = page.next;
    }
    assert.deepEqual(pages.flat(), all);
  }
});

clause("end-8b: n of zero MUST be an empty list, and MUST NOT have a Link", async (registry) => {
  await pushTags(registry, ["a", "b"]);
  for (const query of ["n=0", "n=0&last=a"]) {
    assert.deepEqual(await tagsAt(registry, `${LIST}?${query}`), { tags: [], next: undefined });
  }
});

clause("end-8b: last MUST be left out, and what follows it MUST be in order; n is OPTIONAL", async (registry) => {
  await pushTags(registry, ["a", "B", "c", "D"]);
  for (
    const [query, tags] of [
      ["last=a", ["B", "c", "D"]],
      ["last=B&n=1", ["c"]],
      ["last=c&n=10", ["D"]],
      ["last=D", []],
      // Not a tag that is there, but one that could be.
      ["last=bb&n=1", ["c"]],
    ] as const
  ) {
    assert.deepEqual((await tagsAt(registry, `${LIST}?${query}`)).tags, tags, query);
  }
});

clause("end-8b: what is no number of tags is refused", async (registry) => {
  await pushTags(registry, ["a"]);
  for (const n of ["x", "-1", "1.5"]) await expect(400, registry.ask("GET", `${LIST}?n=${n}`));
});

/** Something that refers to a subject. */
function note(subject: Pushable, type: string, annotations: Record<string, string> = {}): Pushable {
  const members = { artifactType: type, annotations, subject: describe(subject.root) };
  return image({ config: emptyJson(), members });
}

async function referrersAt({ ask }: Registry, path: string) {
  const answer = await expect(200, ask("GET", path));
  assert.equal(answer.headers.get("Content-Type"), TYPE.index);
  const { schemaVersion, mediaType, manifests } = answer.json();
  assert.deepEqual([schemaVersion, mediaType], [2, TYPE.index]);
  return { manifests, headers: answer.headers };
}

function byDigest(a: { digest: string }, b: { digest: string }): number {
  return a.digest < b.digest ? -1 : 1;
}

for (const algorithm of ALGORITHMS) {
  clause(`end-12a: referrers MUST be 200, an index with a descriptor for each (${algorithm})`, async (registry) => {
    const subject = image({ algorithm });
    await push(registry, REPOSITORY, subject, "v1");
    const notes = [note(subject, "application/vnd.example.a"), note(subject, "application/vnd.example.b")];
    for (const each of notes) await push(registry, REPOSITORY, each);
    await push(registry, REPOSITORY, note(image(), "application/vnd.example.a"));
    const { manifests } = await referrersAt(registry, `${REFERRERS}/${subject.root.digest}`);
    const described = ({ mediaType, digest, size }: Record<string, unknown>) => ({ mediaType, digest, size });
    assert.deepEqual(manifests.map(described).sort(byDigest), notes.map(({ root }) => describe(root)).sort(byDigest));
  });

  clause(
    `end-12a: what has no referrers MUST be an empty list, and MUST NOT be 404 (${algorithm})`,
    async (registry) => {
      const subject = image({ algorithm });
      const unknown = await referrersAt(registry, `${REFERRERS}/${subject.root.digest}`);
      assert.deepEqual(unknown.manifests, []);
      await push(registry, REPOSITORY, subject, "v1");
      assert.deepEqual((await referrersAt(registry, `${REFERRERS}/${subject.root.digest}`)).manifests, []);
    },
  );
}

clause("end-12a: a digest that is none MUST be 400", async ({ ask }) => {
  for (const digest of ["sha256:abc", "x", "v1", "sha256:" + "A".repeat(64), "md5:" + "a".repeat(32)]) {
    await expect(400, ask("GET", `${REFERRERS}/${digest}`));
  }
});

clause(
  "end-12a: artifactType MUST be the manifest's, else its config's type; of an index without one it MUST be left out",
  async (registry) => {
    const subject = image();
    const members = { subject: describe(subject.root) };
    const typed = note(subject, "application/vnd.example.typed");
    const byConfig = image({ config: content("{}", "application/vnd.example.config"), members });
    const empty = image({
      config: content("{}", "application/vnd.example.empty"),
      members: { ...members, artifactType: "" },
    });
    const typedIndex = index([], { members: { ...members, artifactType: "application/vnd.example.index" } });
    const untypedIndex = index([], { members });
    for (const each of [typed, byConfig, empty, typedIndex, untypedIndex]) await push(registry, REPOSITORY, each);
    const { manifests } = await referrersAt(registry, `${REFERRERS}/${subject.root.digest}`);
    const types = new Map(manifests.map((each: { digest: string }) => [each.digest, each]));
    const typeOf = ({ root }: Pushable) => types.get(root.digest) as { artifactType?: string };
    assert.equal(typeOf(typed).artifactType, "application/vnd.example.typed");
    assert.equal(typeOf(byConfig).artifactType, "application/vnd.example.config");
    assert.equal(typeOf(empty).artifactType, "application/vnd.example.empty");
    assert.equal(typeOf(typedIndex).artifactType, "application/vnd.example.index");
    assert.ok(!("artifactType" in typeOf(untypedIndex)));
  },
);

clause("end-12a: annotations of a referrer MUST be included", async (registry) => {
  const subject = image();
  const annotations = { "org.opencontainers.image.created": "2026-01-02T03:04:05Z", "org.example.ä": '<b>"' };
  await push(registry, REPOSITORY, note(subject, "application/vnd.example.a", annotations));
  const members = { subject: describe(subject.root), annotations };
  await push(registry, REPOSITORY, index([], { members }));
  const { manifests } = await referrersAt(registry, `${REFERRERS}/${subject.root.digest}`);
  assert.deepEqual(manifests.map((each: Record<string, unknown>) => each.annotations), [annotations, annotations]);
});

clause("end-12a: a referrer that was pushed before its subject MUST be listed", async (registry) => {
  const subject = image();
  const first = note(subject, "application/vnd.example.a");
  await push(registry, REPOSITORY, first);
  const path = `${REFERRERS}/${subject.root.digest}`;
  for (let i = 0; i < 2; i++) {
    const { manifests } = await referrersAt(registry, path);
    assert.deepEqual(manifests.map(({ digest }: { digest: string }) => digest), [first.root.digest]);
    await push(registry, REPOSITORY, subject, "v1");
  }
});

clause("end-12a: a referrer that was deleted is not listed any more", async (registry) => {
  const subject = image();
  await push(registry, REPOSITORY, subject, "v1");
  const [first, second] = [note(subject, "application/vnd.example.a"), note(subject, "application/vnd.example.b")];
  for (const each of [first, second]) await push(registry, REPOSITORY, each);
  await expect(202, registry.ask("DELETE", `/v2/${REPOSITORY}/manifests/${first.root.digest}`));
  const { manifests } = await referrersAt(registry, `${REFERRERS}/${subject.root.digest}`);
  assert.deepEqual(manifests.map(({ digest }: { digest: string }) => digest), [second.root.digest]);
});

clause(
  "end-12a: what an index under the fallback tag lists, and has the subject, MUST be listed, once",
  async (registry) => {
    const subject = image();
    await push(registry, REPOSITORY, subject, "v1");
    const old = note(subject, "application/vnd.example.a");
    await push(registry, REPOSITORY, index([old]), subject.root.digest.replace(":", "-"));
    const { manifests } = await referrersAt(registry, `${REFERRERS}/${subject.root.digest}`);
    assert.deepEqual(manifests.map(({ digest }: { digest: string }) => digest), [old.root.digest]);
  },
);

clause(
  "end-12a: a list that is too long for one manifest MUST have a Link, rel=next, to other descriptors",
  async (registry) => {
    const subject = image();
    const long = { "org.example.long": "x".repeat(1_500_000) };
    const notes = ["a", "b", "c"].map((type) => note(subject, `application/vnd.example.${type}`, long));
    for (const each of notes) await push(registry, REPOSITORY, each);
    const found: string[] = [];
    let pages = 0;
    for (let path: string | undefined = `${REFERRERS}/${subject.root.digest}`; path !== undefined; pages++) {
      const page: Awaited<ReturnType<typeof referrersAt>> = await referrersAt(registry, path);
      found.push(...page.manifests.map(({ digest }: { digest: string }) => digest));
      path = next(page.headers);
    }
    assert.ok(pages > 1);
    assert.deepEqual(found.toSorted(), notes.map(({ root }) => root.digest).toSorted());
  },
);

clause(
  "end-12b: a filter by artifactType SHOULD be applied, and MUST be said in OCI-Filters-Applied",
  async (registry) => {
    const subject = image();
    const [first, second] = [
      note(subject, "application/vnd.example.a"),
      note(subject, "application/vnd.example.b+json"),
    ];
    const byConfig = image({
      config: content("{}", "application/vnd.example.b+json"),
      members: { subject: describe(subject.root) },
    });
    for (const each of [first, second, byConfig]) await push(registry, REPOSITORY, each);
    const wanted = (type: string) =>
      referrersAt(registry, `${REFERRERS}/${subject.root.digest}?artifactType=${encodeURIComponent(type)}`);
    for (
      const [type, expected] of [
        ["application/vnd.example.a", [first]],
        ["application/vnd.example.b+json", [second, byConfig]],
        ["application/vnd.example.c", []],
      ] as const
    ) {
      const { manifests, headers } = await wanted(type);
      assert.equal(headers.get("OCI-Filters-Applied"), "artifactType");
      const digests = manifests.map(({ digest }: { digest: string }) => digest);
      assert.deepEqual(digests.toSorted(), expected.map(({ root }) => root.digest).toSorted());
    }
    const { manifests, headers } = await referrersAt(registry, `${REFERRERS}/${subject.root.digest}`);
    assert.equal(manifests.length, 3);
    assert.equal(headers.get("OCI-Filters-Applied"), null);
  },
);

clause("_catalog: every repository that has a tag is listed", async ({ ask, ...registry }) => {
  const whole = { ask, ...registry };
  for (const name of ["conformance/b", "conformance/a"]) await push(whole, name, image(), "v1");
  const { repositories } = (await expect(200, ask("GET", "/v2/_catalog"))).json();
  assert.deepEqual(repositories, ["ghcr.io/conformance/a", "ghcr.io/conformance/b"]);
  const first = await expect(200, ask("GET", "/v2/_catalog?n=1"));
  assert.deepEqual(first.json().repositories, repositories.slice(0, 1));
  const second = await expect(200, ask("GET", next(first.headers)!));
  assert.deepEqual([second.json().repositories, next(second.headers)], [repositories.slice(1), undefined]);
});
