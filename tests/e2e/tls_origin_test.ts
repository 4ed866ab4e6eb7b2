/** A registry that leads satchel to another host, where the user's client certificate would open doors. */
import { strict as assert } from "node:assert";
import {
  type Certificates,
  type Image,
  makeCertificateFolder,
  makeCertificates,
  makeGadget,
  peerTest,
  runSucceeds,
  RUNTIMES,
  type Scratch,
  scratchFolder,
  startRegistry,
} from "../harness/mod.ts";
import { type Answer, blobsOf, manifestsOf, startAskingServer } from "./tls_servers.ts";

/** Asks for a token of the service at `https://<host>/token`, and answers whoever has one. */
function behindToken(host: () => string, answer: Answer): Answer {
  return (request, response) => {
    if (request.headers.authorization === "Bearer a-token") return answer(request, response);
    response.writeHead(401, { "www-authenticate": `Bearer realm="https://${host()}/token",service="s"` }).end();
  };
}

/** Gives a token at `/token`, an image elsewhere, and takes every upload. */
function corporate(image: Image, host: () => string): Answer {
  return (request, response) => {
    const { method, url = "" } = request;
    if (url.startsWith("/token")) return void response.writeHead(200).end(JSON.stringify({ token: "a-token" }));
    if (method === "PUT" || method === "PATCH") {
      return void request.resume().on("end", () => response.writeHead(201).end());
    }
    if (/^\/sha256:/.test(url)) return blobsOf(image)(request, response);
    manifestsOf(image, host())(request, response);
  };
}

/** A home with the user's client pair for one host, and the authority alone for another one. */
async function homeWith(scratch: Scratch, tls: Certificates, corp: string, evil: string): Promise<string> {
  const home = scratch.at("home");
  const place = `${home}/.config/containers/certs.d`;
  await makeCertificateFolder(`${place}/${corp}`, tls, ["authority", "client"]);
  await makeCertificateFolder(`${place}/${evil}`, tls, ["authority"]);
  return home;
}

for (const [name, run] of Object.entries(RUNTIMES)) {
  peerTest(
    "openssl",
    `${name} gets no token by a client certificate that is for the token service's host`,
    async () => {
      await using scratch = await scratchFolder();
      await using tls = await makeCertificates();
      const gadget = makeGadget();
      await using corp = await startAskingServer(tls, corporate(gadget, () => corp.host));
      const storage: Answer = (request, response) => manifestsOf(gadget, corp.host)(request, response);
      await using evil = await startAskingServer(tls, behindToken(() => corp.host, storage));
      const home = await homeWith(scratch, tls, corp.host, evil.host);
      await runSucceeds(run, ["image", "pull", `${evil.host}/demo/gadget`], { home, store: scratch.at("store") });
      assert.ok(corp.seen.includes("nobody /token"), corp.seen.join());
      assert.ok(corp.seen.length > 1 && corp.seen.every((each) => each.startsWith("nobody ")), corp.seen.join());
    },
  );

  peerTest("openssl", `${name} uploads nothing by the client certificate of the host that it is led to`, async () => {
    await using scratch = await scratchFolder();
    await using tls = await makeCertificates();
    const gadget = makeGadget();
    await using corp = await startAskingServer(tls, corporate(gadget, () => corp.host));
    await using evil = await startAskingServer(tls, (request, response) => {
      if (request.method === "GET" && !request.url?.includes("/copies/")) {
        return corporate(gadget, () => evil.host)(request, response);
      }
      const location = `https://${corp.host}/v2/prod/app/blobs/uploads/1`;
      if (request.method === "POST") return void response.writeHead(202, { location }).end();
      request.resume().on("end", () => response.writeHead(request.method === "PUT" ? 201 : 404).end());
    });
    const home = await homeWith(scratch, tls, corp.host, evil.host);
    const options = { home, store: scratch.at("store") };
    const [from, to] = [`${evil.host}/demo/gadget`, `${evil.host}/copies/gadget`];
    await runSucceeds(run, ["image", "pull", from], options);
    await runSucceeds(run, ["image", "tag", from, to], options);
    await runSucceeds(run, ["image", "push", to], options);
    assert.deepEqual(new Set(corp.seen), new Set(["nobody /v2/prod/app/blobs/uploads/1"]));
  });

  peerTest(
    "openssl",
    `${name} shows the registry's certificate to it, and not where a mirror leads back to it`,
    async () => {
      await using scratch = await scratchFolder();
      await using tls = await makeCertificates();
      const gadget = makeGadget();
      await using corp = await startAskingServer(tls, corporate(gadget, () => corp.host));
      await using evil = await startAskingServer(tls, behindToken(() => corp.host, manifestsOf(gadget, "localhost:1")));
      // Without authorities for the host, nothing but the client certificate tells one connection from another.
      const home = scratch.at("home");
      await makeCertificateFolder(`${home}/.config/containers/certs.d/${corp.host}`, tls, ["client"]);
      await Deno.mkdir(`${home}/.config/satchel`, { recursive: true });
      const config = JSON.stringify({ mirrors: { [corp.host]: [evil.host] } });
      await Deno.writeTextFile(`${home}/.config/satchel/config.yaml`, config);
      const options = { home, store: scratch.at("store"), env: { SSL_CERT_FILE: tls.authority } };
      await runSucceeds(run, ["image", "pull", `${corp.host}/demo/gadget`], options);
      const [token, others] = [corp.seen.filter((each) => each.endsWith("/token")), new Set(corp.seen)];
      others.delete("nobody /token");
      assert.ok(token.length > 0 && token.every((each) => each === "nobody /token"), corp.seen.join());
      assert.ok([...others].every((each) => each.startsWith("test client ")), corp.seen.join());
    },
  );

  peerTest(
    "openssl",
    `${name} takes a token service on the registry's own host and port for the registry`,
    async () => {
      await using scratch = await scratchFolder();
      await using tls = await makeCertificates();
      const gadget = makeGadget();
      await using corp = await startAskingServer(tls, (request, response) => {
        const answer = corporate(gadget, () => corp.host);
        const isOpen = /^\/(?:token|sha256:)/.test(request.url ?? "");
        (isOpen ? answer : behindToken(() => corp.host, answer))(request, response);
      });
      const home = await homeWith(scratch, tls, corp.host, "localhost:1");
      await runSucceeds(run, ["image", "pull", `${corp.host}/demo/gadget`], { home, store: scratch.at("store") });
      assert.ok(corp.seen.includes("test client /token"), corp.seen.join());
      assert.ok(corp.seen.every((each) => each.startsWith("test client ")), corp.seen.join());
    },
  );

  peerTest(
    ["registry", "openssl"],
    `${name} tells who is shown a client certificate where another host wants one`,
    async () => {
      await using scratch = await scratchFolder();
      await using tls = await makeCertificates();
      await using corp = await startRegistry({ tls, wantsClientCertificate: true });
      await using evil = await startAskingServer(tls, behindToken(() => corp.host, () => {}));
      const home = await homeWith(scratch, tls, corp.host, evil.host);
      const outcome = await run(["image", "pull", `${evil.host}/demo/gadget`], { home });
      assert.equal(outcome.code, 1, outcome.stderr);
      const message = "it wants a client certificate, which only a registry or mirror that was named is shown";
      assert.match(outcome.stderr, new RegExp(`at ${corp.host}: ${message}\n$`));
    },
  );
}
