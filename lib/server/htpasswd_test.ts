import { strict as assert } from "node:assert";
import { hasCode } from "../error.ts";
import { parseHtpasswd } from "./htpasswd.ts";

/** Of the password `secret`, by `htpasswd -nbBC 4`. */
const HASH = "$2y$04$mE6C79zmLM8qg5WnXRPqX.PtsPwFXQoiRptsX/QnwaO8lYwLjQxO2";

function problemOf(text: string): string {
  try {
    parseHtpasswd(text, "users");
  } catch (error) {
    if (hasCode(error, "invalid")) return error.message;
    throw error;
  }
  throw new Error("nothing is wrong with it");
}

Deno.test("a file of accounts has a user and a hash a line; comments and blank lines are passed over", () => {
  const hashes = parseHtpasswd(`# people\r\n\n jane doe:${HASH} \r\njoe:${HASH.replace("$2y", "$2b")}\n`, "users");
  assert.deepEqual([...hashes.keys()], [" jane doe", "joe"]);
  assert.equal(hashes.get(" jane doe"), HASH);
});

Deno.test("only bcrypt is taken: every other line is named with its number and its form, never with its hash", () => {
  const lines = [
    `good:${HASH}`,
    "a:$apr1$8Xn6vFy5$M3l3zZ5CSqnrlWMKrhFBI.",
    "b:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "c:plaintext",
    "no colon",
    ":nobody",
    `good:${HASH}`,
    `d:${HASH.replace("$04$", "$31$")}`,
    `e:${HASH.slice(0, -1)}`,
    "f:",
  ];
  assert.equal(
    problemOf(lines.join("\n")),
    `users cannot be used for accounts:
  line 2: its password is hashed with MD5, not with bcrypt
  line 3: its password is hashed with SHA-1, not with bcrypt
  line 4: its password is not hashed with bcrypt
  line 5: it has no colon
  line 6: it has no user
  line 7: "good" has a line already
  line 8: the cost of its hash is 31, not 4 to 14
  line 9: its password is not hashed with bcrypt
  line 10: its password is not hashed with bcrypt`,
  );
});

Deno.test("of very many lines that are wrong the first are told", () => {
  const told = problemOf("x\n".repeat(1000)).split("\n");
  assert.equal(told.length, 12);
  assert.equal(told.at(-1), "  and 990 more");
});

Deno.test("a file without accounts is no file of accounts", () => {
  assert.equal(problemOf("# nobody yet\n"), "users has no accounts");
});
