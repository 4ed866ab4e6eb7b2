import { join } from "node:path";
import { peer } from "./peers.ts";
import { succeed } from "./process.ts";
import { type Scratch, scratchFolder } from "./scratch.ts";

/** A certificate authority of the test's own, and a server certificate by it for `localhost`, `127.0.0.1` and `registry.test`. */
export interface Certificates extends AsyncDisposable {
  /** The authority's certificate, a PEM file. */
  authority: string;
  /** The server's certificate, a PEM file. */
  certificate: string;
  /** The server's key, a PEM file. */
  key: string;
}

const EXTENSIONS = "basicConstraints=critical,CA:FALSE\n" +
  "extendedKeyUsage=serverAuth\n" +
  "subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:registry.test\n";

/** Makes them by `openssl`, which the test has to ask for as a peer. */
export async function makeCertificates(): Promise<Certificates> {
  const scratch = await scratchFolder();
  try {
    await makeAuthority(scratch);
    await makeServerCertificate(scratch);
    return {
      authority: scratch.at("ca.pem"),
      certificate: scratch.at("server.pem"),
      key: scratch.at("server.key"),
      [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
    };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

async function makeAuthority(scratch: Scratch): Promise<void> {
  await openssl(scratch, ["req", "-x509", ...newKey("ca.key"), "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test CA"]);
}

async function makeServerCertificate(scratch: Scratch): Promise<void> {
  await Deno.writeTextFile(scratch.at("extensions"), EXTENSIONS);
  await openssl(scratch, ["req", ...newKey("server.key"), "-out", "server.csr", "-subj", "/CN=localhost"]);
  await openssl(scratch, [
    ...["x509", "-req", "-in", "server.csr", "-out", "server.pem", "-days", "2", "-extfile", "extensions"],
    ...["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
  ]);
}

function newKey(file: string): string[] {
  return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file];
}

async function openssl(scratch: Scratch, args: string[]): Promise<void> {
  await succeed(peer("openssl"), args, { cwd: scratch.path, env: { HOME: join(scratch.path) } });
}
