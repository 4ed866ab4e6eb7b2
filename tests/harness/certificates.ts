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
  /** A certificate by the same authority with which a client names itself, `CN=test client`, and its key; PEM files. */
  client: { certificate: string; key: string };
}

/** What the server's certificate is like. */
export interface CertificateOptions {
  /** Names and addresses as openssl writes them. Default: `DNS:localhost,IP:127.0.0.1,DNS:registry.test`. */
  names?: string;
  /** How long it is valid from now on, in days; a negative number makes one that is expired. Default: 2. */
  days?: number;
}

/** Makes them by `openssl`, which the test has to ask for as a peer. */
export async function makeCertificates(options: CertificateOptions = {}): Promise<Certificates> {
  const { names = "DNS:localhost,IP:127.0.0.1,DNS:registry.test", days = 2 } = options;
  const scratch = await scratchFolder();
  try {
    await makeAuthority(scratch);
    await makeCertificate(scratch, "server", `extendedKeyUsage=serverAuth\nsubjectAltName=${names}\n`, days);
    await makeCertificate(scratch, "client", "extendedKeyUsage=clientAuth\n", 2);
    return {
      client: { certificate: scratch.at("client.pem"), key: scratch.at("client.key") },
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

async function makeCertificate(scratch: Scratch, name: string, extensions: string, days: number): Promise<void> {
  await Deno.writeTextFile(scratch.at("extensions"), `basicConstraints=critical,CA:FALSE\n${extensions}`);
  await openssl(scratch, ["req", ...newKey(`${name}.key`), "-out", `${name}.csr`, "-subj", `/CN=test ${name}`]);
  await openssl(scratch, [
    ...["x509", "-req", "-in", `${name}.csr`, "-out", `${name}.pem`, "-days", `${days}`, "-extfile", "extensions"],
    ...["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
  ]);
}

/** Makes a folder as `--cert-dir` takes it: the authority, and the client's pair if it is asked for. */
export async function makeCertificateFolder(
  path: string,
  { authority, client }: Certificates,
  parts: readonly ("authority" | "client")[],
): Promise<string> {
  await Deno.mkdir(path, { recursive: true });
  if (parts.includes("authority")) await Deno.copyFile(authority, join(path, "ca.crt"));
  if (!parts.includes("client")) return path;
  await Deno.copyFile(client.certificate, join(path, "client.cert"));
  await Deno.copyFile(client.key, join(path, "client.key"));
  await Deno.chmod(join(path, "client.key"), 0o600);
  return path;
}

function newKey(file: string): string[] {
  return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file];
}

async function openssl(scratch: Scratch, args: string[]): Promise<void> {
  await succeed(peer("openssl"), args, { cwd: scratch.path, env: { HOME: join(scratch.path) } });
}
