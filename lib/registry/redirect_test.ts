import { deepEqual, equal, throws } from "node:assert/strict";
import { followUrl, headersFor, isRedirect, mayCarryCredentials } from "./redirect.ts";

const https = new URL("https://registry.example/v2/a/blobs/x");
const http = new URL("http://registry.example/v2/a/blobs/x");

Deno.test("a header with a secret stays at its origin: host, port and scheme", () => {
  const headers = { "Authorization": "Bearer x", "cookie": "y", "proxy-authorization": "p", "range": "bytes=1-" };
  deepEqual(headersFor(headers, https, new URL("https://registry.example/other")), headers);
  for (const other of ["https://storage.example/x", "https://registry.example:444/", "http://registry.example/"]) {
    deepEqual(headersFor(headers, https, new URL(other)), { range: "bytes=1-" });
  }
});

Deno.test("credentials go to the registry's own origin alone", () => {
  equal(mayCarryCredentials(https, new URL("https://registry.example/")), true);
  for (const other of ["https://sub.registry.example/", "https://registry.example:444/", "http://registry.example/"]) {
    equal(mayCarryCredentials(https, new URL(other)), false);
  }
});

Deno.test("a relative address is read relative to the request, with its query to the letter", () => {
  equal(
    followUrl("../uploads/1?_state=a%2Bb+c==&d", https, "x").href,
    "https://registry.example/v2/a/uploads/1?_state=a%2Bb+c==&d",
  );
  equal(followUrl("/v2/b", https, "x").href, "https://registry.example/v2/b");
  equal(followUrl("//other.example/y", https, "x").href, "https://other.example/y");
});

Deno.test("an address that leads from TLS to plain text is refused, the other way is fine", () => {
  throws(() => followUrl("http://registry.example/", https, "a redirect"), { code: "refused" });
  equal(followUrl("https://registry.example/", http, "a redirect").protocol, "https:");
});

Deno.test("an address of another scheme or with a password is refused, without showing the password", () => {
  for (const text of ["file:///etc/passwd", "ftp://x/", "javascript:alert(1)", "data:,x", "unix:/run/docker.sock"]) {
    throws(() => followUrl(text, https, "a realm"), { code: "refused" });
  }
  throws(
    () => followUrl("https://user:secret@x/", https, "a realm"),
    (error: Error) => !error.message.includes("secret"),
  );
  throws(() => followUrl("https://", https, "a realm"), { code: "registry" });
});

Deno.test("only redirects that keep the method are followed for a request with a body", () => {
  for (const status of [301, 302, 303, 307, 308]) equal(isRedirect(status, "GET"), true);
  for (const status of [301, 302, 303]) equal(isRedirect(status, "PUT"), false);
  for (const status of [307, 308]) equal(isRedirect(status, "PUT"), true);
  for (const status of [300, 304, 305, 200, 401]) equal(isRedirect(status, "GET"), false);
});
