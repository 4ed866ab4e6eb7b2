import assert from "node:assert/strict";
import { hasCode } from "../../lib/error.ts";
import { readRegistryName } from "./registry_name.ts";

Deno.test("a registry is named by its host in any form that people paste, Docker's old addresses among them", () => {
  const forms = ["r.io:5", "R.io:5", "r.io:5/", "https://r.io:5/", "r.io:5/v1/", "r.io:5/v2", "https://r.io:5/v2/"];
  for (const text of forms) assert.deepEqual(readRegistryName(text), { registry: "r.io:5" }, text);
  for (const text of ["index.docker.io", "https://index.docker.io/v1/", "docker.io"]) {
    assert.deepEqual(readRegistryName(text), { registry: "docker.io" }, text);
  }
});

Deno.test("what follows the host is a path with an account of its own", () => {
  assert.deepEqual(readRegistryName("r.io/team/"), { registry: "r.io", repository: "team" });
  assert.deepEqual(readRegistryName("r.io/v2/team"), { registry: "r.io", repository: "v2/team" });
  for (const text of ["", "/", "r.io/a b", "http://r.io", "r.io//a", "https://u:p@r.io"]) {
    assert.throws(() => readRegistryName(text), (error) => hasCode(error, "usage"), text);
  }
});
