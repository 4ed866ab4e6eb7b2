import { strict as assert } from "node:assert";
import { hasCode } from "../../lib/error.ts";
import { formatAddress, isLoopback, isUnspecified, parseListenAddress } from "./address.ts";

Deno.test("an address to listen on is a name or a number of a host, and a port", () => {
  const cases: [string, string, number][] = [
    ["127.0.0.1:5000", "127.0.0.1", 5000],
    ["[::1]:0", "::1", 0],
    ["[::]:443", "::", 443],
    ["registry.example:65535", "registry.example", 65535],
    [":5000", "0.0.0.0", 5000],
  ];
  for (const [text, hostname, port] of cases) assert.deepEqual(parseListenAddress(text, "listen"), { hostname, port });
});

Deno.test("what is no address to listen on is wrong usage", () => {
  const wrong = ["", "5000", "127.0.0.1", "host:", "host:65536", "host:-1", "::1:5000", "[::1]", "a b:1", "http://a:1"];
  for (const text of wrong) {
    assert.throws(() => parseListenAddress(text, "listen"), (error) => hasCode(error, "usage"), text);
  }
});

Deno.test("loopback is what only this host can reach", () => {
  for (const name of ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST", "::ffff:127.0.0.1"]) {
    assert.ok(isLoopback(name), name);
  }
  for (const name of ["0.0.0.0", "::", "127.0.0.1.example", "localhost.example", "10.0.0.1", ""]) {
    assert.ok(!isLoopback(name), name);
  }
  for (const name of ["0.0.0.0", "::", "0:0:0:0:0:0:0:0"]) assert.ok(isUnspecified(name), name);
  assert.ok(!isUnspecified("::1"));
});

Deno.test("an address of IPv6 has brackets where a port follows", () => {
  assert.equal(formatAddress({ hostname: "::1", port: 80 }), "[::1]:80");
  assert.equal(formatAddress({ hostname: "127.0.0.1", port: 80 }), "127.0.0.1:80");
});
