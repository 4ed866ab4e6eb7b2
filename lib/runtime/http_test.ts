import { equal, throws } from "node:assert/strict";
import { createFetch, describeFetchFailure, type FetchFailure } from "./http.ts";
import { tlsFromCaFile } from "./tls.ts";

/** As Bun and Deno throw them: a code, or a cause with prose. */
const FAILURES: [FetchFailure, string | undefined, string, string?][] = [
  ["refused", "ECONNREFUSED", "ECONNREFUSED: Unable to connect. Is the computer able to access the url?"],
  ["refused", undefined, "fetch failed", "error sending request for url (x): tcp connect error: Connection refused"],
  ["unknown-host", "ENOTFOUND", "getaddrinfo ENOTFOUND no.such.host.invalid"],
  [
    "unknown-host",
    undefined,
    "fetch failed",
    "client error (Connect): dns error: failed to lookup address information",
  ],
  ["plain-http", "EPROTO", "EPROTO: The TLS handshake failed. Does the server speak TLS on this port?"],
  ["plain-http", undefined, "fetch failed", "received corrupt message of type InvalidContentType"],
  ["tls-expected", undefined, "fetch failed", "client error (SendRequest): invalid HTTP version parsed"],
  ["unknown-authority", "DEPTH_ZERO_SELF_SIGNED_CERT", "self signed certificate"],
  ["unknown-authority", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate"],
  ["unknown-authority", undefined, "fetch failed", "invalid peer certificate: UnknownIssuer"],
  ["wrong-host-name", "ERR_TLS_CERT_ALTNAME_INVALID", 'ERR_TLS_CERT_ALTNAME_INVALID fetching "https://x/"'],
  [
    "wrong-host-name",
    undefined,
    "fetch failed",
    "invalid peer certificate: certificate not valid for name: NotValidForName",
  ],
  [
    "wrong-host-name",
    undefined,
    "fetch failed",
    'invalid peer certificate: certificate not valid for name "localhost"',
  ],
  ["client-certificate-missing", undefined, "fetch failed", "received fatal alert: CertificateRequired"],
  ["client-certificate-refused", undefined, "fetch failed", "received fatal alert: BadCertificate"],
  ["client-certificate-refused", undefined, "fetch failed", "received fatal alert: CertificateExpired"],
  ["client-certificate-refused", "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "error:10000418:SSL routines"],
  ["tls", undefined, "fetch failed", "received fatal alert: HandshakeFailure"],
  ["expired-certificate", "CERT_HAS_EXPIRED", "certificate has expired"],
  ["expired-certificate", undefined, "fetch failed", "invalid peer certificate: Expired"],
  ["broken", "ECONNRESET", "ECONNRESET: The socket connection was closed unexpectedly."],
  ["broken", undefined, "error reading a body from connection"],
];

for (const [failure, code, message, cause] of FAILURES) {
  Deno.test(`a fetch that fails with "${code ?? cause ?? message}" is told to be ${failure}`, () => {
    const error = new TypeError(message, cause === undefined ? undefined : { cause: new Error(cause) });
    equal(describeFetchFailure(code === undefined ? error : Object.assign(error, { code })).failure, failure);
  });
}

Deno.test("anything that is thrown can be told", () => {
  equal(describeFetchFailure("text").text, "text");
  equal(describeFetchFailure(undefined).failure, "broken");
});

Deno.test("redirects are not followed by the runtime", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response(null, { status: 307, headers: { location: "/elsewhere" } }),
  );
  const response = await createFetch()(`http://127.0.0.1:${server.addr.port}/`, { method: "GET", headers: {} });
  await response.body?.cancel();
  equal(response.status, 307);
});

Deno.test("a file of authorities that cannot be read is an error that names it", () => {
  throws(() => tlsFromCaFile("/no/such/authorities.pem"), {
    code: "usage",
    message: /\/no\/such\/authorities\.pem: it does not exist$/,
  });
});
