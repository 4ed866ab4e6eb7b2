import { strict as assert } from "node:assert";
import { imagePath, listPath, parsePageRoute } from "./route.ts";

const DIGEST = `sha256:${"a".repeat(64)}` as const;

Deno.test("paths name the list and the images, by tag and by digest", () => {
  for (const path of ["/", "/images", "/images/"]) assert.deepEqual(parsePageRoute(path), { page: "list" });
  assert.deepEqual(parsePageRoute("/images/team/app"), { page: "image", name: "team/app", reference: "latest" });
  for (
    const [name, reference] of [["ghcr.io/team/app", "v1.0_a-b"], ["app", DIGEST], ["127.0.0.1_5001/a/b", "latest"]]
  ) {
    assert.deepEqual(parsePageRoute(imagePath(name, reference)), { page: "image", name, reference });
  }
});

Deno.test("other paths are none of the pages", () => {
  for (const path of ["/v2/", "/favicon.ico", "/image", "//", "/index.html", "/healthz"]) {
    assert.equal(parsePageRoute(path), undefined, path);
  }
});

Deno.test("a path of images that names none is known as such", () => {
  for (
    const path of [
      "app:",
      ":v1",
      "app@sha256:1",
      "app:a/b",
      "app:v1@" + DIGEST,
      "%ff:v1",
      "app:%0a",
      "a:1:2",
      "@",
    ]
  ) assert.deepEqual(parsePageRoute(`/images/${path}`), { page: "unknown" }, path);
});

Deno.test("what is looked for is kept from page to page", () => {
  assert.equal(listPath({ q: "", after: "" }), "/");
  assert.equal(listPath({ q: 'a&"b', after: "x:v1" }), "/?q=a%26%22b&after=x%3Av1");
});
