import assert from "node:assert/strict";
import fc from "fast-check";
import { passwdHome, readAccounts } from "./accounts.ts";

const PASSWD =
  "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/elsewhere:/bin/sh\n# a comment\nbob:x:1001:50::/home/bob:/bin/sh\n";

Deno.test("of several users with one number the first counts", () => {
  const { users } = readAccounts(PASSWD, "");
  assert.deepEqual([...users], [[0, { name: "root", home: "/root" }], [1001, { name: "bob", home: "/home/bob" }]]);
});

Deno.test("a group has those who name it as theirs, those that it names, and who is not in the table", () => {
  const { members } = readAccounts(PASSWD, "staff:x:50:toor\nteam:x:60:bob,eve\nempty:x:70:\n");
  assert.deepEqual([...members.get(50)!].sort(), [0, 1001]);
  assert.deepEqual([...members.get(60)!], [1001, undefined]);
  assert.deepEqual([...members.get(70)!], []);
});

Deno.test("any text is read as a table", () => {
  fc.assert(fc.property(fc.string(), fc.string(), (passwd, group) => void readAccounts(passwd, group)));
});

Deno.test("the home of a user is the one in the table, and nobody's has none", () => {
  assert.equal(passwdHome(0), "/root");
  assert.equal(passwdHome(4_000_000_000), undefined);
});
