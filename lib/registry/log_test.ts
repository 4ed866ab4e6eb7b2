import { equal } from "node:assert/strict";
import { loggable } from "./log.ts";
import { answer, repositoryAt, sampleBlob, serve } from "./_server.ts";

const registry = new URL("https://registry.example/");

Deno.test("of a query of the registry's, known parameters are logged as they are on the wire, and no others", () => {
  const cases: Record<string, string> = {
    "/v2/a/tags/list?n=1000&last=b%2F%0aError": "/v2/a/tags/list?n=1000&last=b%2F%0aError",
    "/v2/a/blobs/uploads/1?_state=secret&digest=sha256%3Ax": "/v2/a/blobs/uploads/1?digest=sha256%3Ax&...",
    "/x?secret": "/x?...",
    "/x?a%0aError:%20forged": "/x?...",
    "/x": "/x",
  };
  for (const [path, logged] of Object.entries(cases)) {
    equal(loggable(new URL(path, registry), registry), `https://registry.example${logged}`);
  }
});

Deno.test("of a query for another host, nothing is logged", () => {
  for (const host of ["https://storage.example", "https://registry.example:444", "http://registry.example"]) {
    equal(loggable(new URL("/x?digest=secret&n=1", host), registry), `${host}/x?...`);
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
