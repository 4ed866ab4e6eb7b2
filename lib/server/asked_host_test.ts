import { strict as assert } from "node:assert";
import { asking, errorCodes, Shelf } from "./_testing.ts";
import { ApiError } from "./api_error.ts";
import { requireAskedHost } from "./asked_host.ts";

Deno.test("loopback has many names, and others are let in only if they are given", () => {
  const isLetIn = (host: string, url = `http://${host}/v2/`) => {
    try {
      requireAskedHost(host, new URL(url), ["registry.site.example"]);
      return true;
    } catch (error) {
      assert.ok(error instanceof ApiError && error.status === 421);
      return false;
    }
  };
  const own = ["localhost:5000", "LocalHost", "localhost.", "a.localhost", "127.0.0.1:5000", "127.1", "[::1]:5000"];
  for (const host of [...own, "[::ffff:127.0.0.1]", "registry.site.example:80"]) assert.ok(isLetIn(host), host);
  const others = ["evil.example:5000", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1", "[::2]"];
  for (const host of [...others, "notlocalhost", "site.example"]) assert.ok(!isLetIn(host), host);
  // What a runtime cannot read is localhost to it.
  const unreadable = [
    "a{b.evil.example:5000",
    'a"b.evil.example',
    "`.evil.example",
    "localhost@evil.example",
    "\xe9.example",
  ];
  for (const host of unreadable) assert.ok(!isLetIn(host, "http://localhost/v2/"), host);
});

Deno.test("a server that is to be asked by certain names answers others nothing, whatever they ask for", async () => {
  const ask = asking(new Shelf(), { hosts: ["proxy.test"], page: () => assert.fail("the page is asked for") });
  for (const path of ["/", "/v2/", "/v2/_catalog"]) {
    const response = await ask(path);
    assert.deepEqual([response.status, await errorCodes(response)], [421, ["DENIED"]]);
  }
  const byProxy = asking(new Shelf(), { hosts: ["registry.test"] });
  assert.equal((await byProxy("/v2/")).status, 200);
});
