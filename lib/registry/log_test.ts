import { equal, ok } from "node:assert/strict";
import { loggable } from "./log.ts";
import { tryAccount } from "./mod.ts";
import { answer, repositoryAt, sampleBlob, serve } from "./_server.ts";

const registry = new URL("https://registry.example/");
const asItIs = (text: string) => text;

Deno.test("of a query of the registry's, known parameters are logged as they are on the wire, and no others", () => {
  const cases: Record<string, string> = {
    "/v2/a/tags/list?n=1000&last=b%2F%0aError": "/v2/a/tags/list?n=1000&last=b%2F%0aError",
    "/v2/a/blobs/uploads/1?_state=secret&digest=sha256%3Ax": "/v2/a/blobs/uploads/1?digest=sha256%3Ax&...",
    "/x?secret": "/x?...",
    "/x?a%0aError:%20forged": "/x?...",
    "/x": "/x",
  };
  for (const [path, logged] of Object.entries(cases)) {
    equal(loggable(new URL(path, registry), registry, asItIs), `https://registry.example${logged}`);
  }
});

Deno.test("of a query for another host, nothing is logged", () => {
  for (const host of ["https://storage.example", "https://registry.example:444", "http://registry.example"]) {
    equal(loggable(new URL("/x?digest=secret&n=1", host), registry, asItIs), `${host}/x?...`);
  }
});

Deno.test("a redirect cannot forge a line of the log", async () => {
  const blob = sampleBlob(10);
  await using server = await serve((request, response) => {
    if (request.url?.includes("forged")) return answer(response, 200, {}, blob.bytes);
    answer(response, 307, { location: `/x?a%0aError:%20forged` });
  });
  const lines: string[] = [];
  for await (const _ of repositoryAt(server, { log: (line) => lines.push(line) }).fetch(blob.descriptor));
  equal(lines.length, 2);
  equal(/forged|\n/.test(lines.join("")), false);
});

/** What a redirect may lead to, for a password in all the forms that an address can have it in. */
function echoes(username: string, password: string): string[] {
  const basic = Buffer.from(`${username}:${password}`).toString("base64");
  const everyByte = Array.from(new TextEncoder().encode(password), (byte) => `%${byte.toString(16).padStart(2, "0")}`);
  const forms = [
    encodeURIComponent(password),
    encodeURI(password),
    everyByte.join(""),
    encodeURIComponent(basic),
    basic.replace(/=+$/, ""),
    Buffer.from(basic, "base64").toString("base64url"),
  ];
  const long = "x".repeat(990);
  return forms.flatMap((
    form,
  ) => [`/v2/hop/${form}`, `/v2/${long}/${form}`, `/v2/hop?digest=${form}&n=1`, `/v2/${form}?n=1`]);
}

Deno.test("what a registry repeats of an account in an address is in no line of the log and in no error", async () => {
  const account = { username: "alice", password: "ge%41heim/w\u00f6rt?>>ok" };
  const { username, password } = account;
  const basic = Buffer.from(`${username}:${password}`).toString("base64");
  const secrets = [
    password,
    encodeURIComponent(password),
    encodeURI(password),
    basic.slice(0, 8),
    "ge%41h",
    "%67%65",
    "ge%25",
  ];
  for (const location of echoes(username, password)) {
    for (const end of ["404", "broken"]) {
      await using server = await serve((request, response) => {
        if (request.headers.authorization === undefined) return answer(response, 401, { "www-authenticate": "Basic" });
        if (request.url === "/v2/") return answer(response, 307, { location });
        if (end === "404") return answer(response, 404);
        response.destroy();
      });
      const lines: string[] = [];
      const options = { plainHttp: true, retries: 0, log: (line: string) => void lines.push(line) };
      const { signal } = new AbortController();
      const error = await tryAccount(server.host, account, options, signal).catch((error: Error) => error);
      ok(error instanceof Error);
      equal(lines.length, 3);
      ok(/\*\*\*|\.\.\./.test(lines[2]), lines[2]);
      for (const text of [...lines, error.message]) {
        for (const secret of secrets) ok(!text.includes(secret), `${location}: ${text} has ${secret}`);
      }
    }
  }
});

Deno.test("a host whose name repeats what was sent is logged without it, the registry's own in any case", () => {
  const clean = (text: string) => text.replaceAll("registry", "***").replaceAll("geheim", "***");
  equal(loggable(new URL("https://geheim.example/x"), registry, clean), "https://***.example/x");
  equal(loggable(new URL("/x", registry), registry, clean), "https://registry.example/x");
});
