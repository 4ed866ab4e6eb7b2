import { Buffer } from "node:buffer";
import { createHash, createPublicKey } from "node:crypto";
import { makeSigstore, PROVIDER, type Sigstore } from "./authority.ts";
import { pemOf } from "./certificate.ts";
import type { LogBody, LogEntryJson } from "./logs.ts";

/** A Sigstore that others can sign with, over HTTP; `await using` ends it. */
export interface SigstoreServices extends AsyncDisposable {
  sigstore: Sigstore;
  /** Where all of its services are. */
  url: string;
  /** What a client needs to find them, with Rekor 1 or 2: `sigstore_trustroot.proto`, "SigningConfig". */
  signingConfig(rekor?: 1 | 2): string;
}

/** A token by {@link PROVIDER}, which the services believe without looking at its signature. */
export function identityToken(email: string): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: PROVIDER, aud: "sigstore", sub: email, email, email_verified: true, iat: now, exp: now + 600 };
  return [{ alg: "RS256" }, claims, "signature"].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
}

/** Starts Fulcio's, Rekor's and a timestamp authority's part on a port of their own. */
export function serveSigstore(): SigstoreServices {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => answer(request, sigstore),
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  const sigstore = makeSigstore(url);
  return {
    sigstore,
    url,
    signingConfig: (rekor = 1) => signingConfig(url, rekor),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function signingConfig(url: string, rekor: 1 | 2): string {
  const service = { url, majorApiVersion: 1, validFor: { start: "2020-01-01T00:00:00Z" }, operator: "test" };
  return JSON.stringify({
    mediaType: "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    caUrls: [service],
    oidcUrls: [],
    rekorTlogUrls: [{ ...service, majorApiVersion: rekor }],
    tsaUrls: [{ ...service, url: `${url}/api/v1/timestamp` }],
    rekorTlogConfig: { selector: "ANY" },
    tsaConfig: { selector: "ANY" },
  });
}

async function answer(request: Request, sigstore: Sigstore): Promise<Response> {
  switch (`${request.method} ${new URL(request.url).pathname}`) {
    case "POST /api/v2/signingCert":
      return certify(await request.json(), request.headers.get("authorization") ?? "", sigstore);
    case "POST /api/v1/log/entries":
      return addEntry(await request.json(), sigstore);
    case "POST /api/v2/log/entries":
      return addToRekor2(await request.json(), sigstore);
    case "POST /api/v1/timestamp":
      return stamp(Buffer.from(await request.arrayBuffer()), sigstore);
    default:
      return new Response("not found", { status: 404 });
  }
}

function certify(
  { publicKeyRequest }: { publicKeyRequest: { publicKey: { content: string } } },
  authorization: string,
  sigstore: Sigstore,
): Response {
  const claims = JSON.parse(Buffer.from(authorization.split(".")[1], "base64url").toString());
  const spki = createPublicKey(publicKeyRequest.publicKey.content).export({ format: "der", type: "spki" });
  const certificate = sigstore.certify({ spki }, {
    name: { email: claims.email },
    issuer: claims.iss,
    notBefore: new Date(Date.now() - 1000),
  });
  const certificates = [certificate, ...sigstore.authorities].map((each) => pemOf(each));
  return Response.json({ signedCertificateEmbeddedSct: { chain: { certificates } } });
}

/** What a client proposes for an entry of the kind `dsse`. */
interface ProposedEnvelope {
  proposedContent?: { envelope: string; verifiers: string[] };
}

function addEntry(proposed: LogBody, { log }: Sigstore): Response {
  const entry = log.add({ ...proposed, spec: canonicalSpec(proposed.spec as ProposedEnvelope) }, new Date());
  const name = createHash("sha256").update(entry.canonicalizedBody).digest("hex");
  return Response.json({ [name]: rekorAnswer(entry) }, { status: 201, headers: { etag: name } });
}

function canonicalSpec(spec: ProposedEnvelope): unknown {
  if (!spec.proposedContent) return spec;
  const { envelope, verifiers } = spec.proposedContent;
  const { payload, signatures } = JSON.parse(envelope);
  const hashOf = (bytes: Uint8Array) => ({
    algorithm: "sha256",
    value: createHash("sha256").update(bytes).digest("hex"),
  });
  return {
    envelopeHash: hashOf(Buffer.from(envelope)),
    payloadHash: hashOf(Buffer.from(payload, "base64")),
    signatures: signatures.map(({ sig }: { sig: string }) => ({ signature: sig, verifier: verifiers[0] })),
  };
}

/** What a client of Rekor 2 proposes. */
interface ProposedHash {
  hashedRekordRequestV002: { digest: string; signature: { content: string; verifier: unknown } };
}

function addToRekor2({ hashedRekordRequestV002: { digest, signature } }: ProposedHash, { rekor2 }: Sigstore): Response {
  const spec = { hashedRekordV002: { data: { algorithm: "SHA2_256", digest }, signature } };
  return Response.json(rekor2.add({ apiVersion: "0.0.2", kind: "hashedrekord", spec }, new Date()), { status: 201 });
}

/** An entry as Rekor's API has it: hexadecimal where bundles have base64. */
function rekorAnswer(entry: LogEntryJson): unknown {
  const hex = (text: string) => Buffer.from(text, "base64").toString("hex");
  const proof = entry.inclusionProof!;
  return {
    body: entry.canonicalizedBody,
    integratedTime: Number(entry.integratedTime),
    logID: hex(entry.logId.keyId),
    logIndex: Number(entry.logIndex),
    verification: {
      inclusionProof: {
        checkpoint: proof.checkpoint.envelope,
        hashes: proof.hashes.map(hex),
        logIndex: Number(proof.logIndex),
        rootHash: hex(proof.rootHash),
        treeSize: Number(proof.treeSize),
      },
      signedEntryTimestamp: entry.inclusionPromise!.signedEntryTimestamp,
    },
  };
}

/** Reads of a request (RFC 3161, section 2.4.1) what has to be in the answer: a hash by SHA-256, and a nonce. */
function stamp(request: Buffer, { timestamps }: Sigstore): Response {
  const text = request.toString("hex");
  const hash = /0420([0-9a-f]{64})/.exec(text);
  const nonce = hash && /^02(0[1-9a-f])([0-9a-f]+)/.exec(text.slice(hash.index + hash[0].length));
  if (!hash) return new Response("no hash", { status: 400 });
  const number = nonce ? BigInt(`0x${nonce[2].slice(0, 2 * parseInt(nonce[1], 16))}`) : undefined;
  const body = timestamps.stampHash(Buffer.from(hash[1], "hex"), new Date(), number);
  return new Response(new Uint8Array(body), {
    status: 201,
    headers: { "content-type": "application/timestamp-reply" },
  });
}
