import { strict as assert } from "node:assert";
import { clientOf } from "./client.ts";

Deno.test("an address of IPv4 is one client, of IPv6 a network is, however they are written", () => {
  for (
    const [address, client] of [
      ["192.0.2.1", "192.0.2.1"],
      ["::ffff:192.0.2.1", "192.0.2.1"],
      ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
      ["2001:0DB8:0001:2::9", "2001:db8:1:2::/64"],
      ["2001:db8::9", "2001:db8:0:0::/64"],
      ["fe80::1%eth0", "fe80:0:0:0::/64"],
      ["::1", "0:0:0:0::/64"],
      ["", ""],
    ]
  ) assert.equal(clientOf(address), client, address);
});
