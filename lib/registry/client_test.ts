import { throws } from "node:assert/strict";
import { openRepository } from "./mod.ts";

Deno.test("a registry whose name is no address is a usage error that says why", () => {
  const cases = {
    "host:99999": "No registry can be at host:99999: port 99999 is above 65535",
    "256.256.256.256": "No registry can be at 256.256.256.256: this is neither a host name nor an IP address",
    "[::1::]:5000": "No registry can be at [::1::]:5000: this is neither a host name nor an IP address",
  };
  for (const [registry, message] of Object.entries(cases)) {
    throws(() => openRepository({ registry, repository: "foo" }), { code: "usage", message });
  }
});
