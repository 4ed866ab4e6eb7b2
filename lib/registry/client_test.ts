import { ok, rejects, throws } from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { MediaType } from "../oci/mod.ts";
import { answer, repositoryAt, serve } from "./_server.ts";
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

Deno.test("what was sent is in no error, wherever a server repeats it", async () => {
  const password = "hunter2hunter2";
  const credentials = () => Promise.resolve({ username: "joe", password });
  const repetitions: Record<string, (response: ServerResponse) => void> = {
    "an address of another scheme": (response) => answer(response, 307, { location: `ftp://x/${password}` }),
    "an address that is none": (response) => answer(response, 307, { location: `http://[${password}` }),
    "a content type": (response) => answer(response, 200, { "content-type": password.toUpperCase() }, "{}"),
    "a media type": (response) =>
      answer(response, 200, { "content-type": MediaType.ociManifest }, `{"mediaType":"${password}"}`),
    "an error": (response) => answer(response, 400, {}, `you sent ${encodeURIComponent(password)}`),
  };
  for (const [place, repeat] of Object.entries(repetitions)) {
    await using server = await serve((request, response) => {
      if (request.headers.authorization) repeat(response);
      else answer(response, 401, { "www-authenticate": "Basic realm=x" });
    });
    const lines: string[] = [];
    const repository = repositoryAt(server, { credentials, log: (line) => lines.push(line) });
    await rejects(repository.resolve("v1"), (error) => {
      const told = [error, (error as Error).cause].map((each) => each instanceof Error ? each.message : "");
      ok(![...told, ...lines].join("\n").toLowerCase().includes(password), `${place}: ${told[0]}`);
      return true;
    });
  }
});
