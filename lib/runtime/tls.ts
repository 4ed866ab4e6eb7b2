import { SatchelError, systemReason } from "../error.ts";
import { readSmallFile } from "../small_file.ts";

/** A certificate with which this side of a connection names itself. */
export interface ClientCertificate {
  /** PEM text; its chain may follow. */
  certificate: string;
  /** PEM text, not encrypted. */
  key: string;
  /** Where it came from, for messages: `/etc/containers/certs.d/registry.example/client.cert`. */
  source: string;
}

/** How TLS connections to one host are made. */
export interface TlsOptions {
  /** Certificate authorities that are trusted besides those of the runtime and the system, PEM text. */
  authorities?: readonly string[];
  client?: ClientCertificate;
  /** The host may show any certificate; for Bun alone. */
  unverified?: boolean;
}

/** How connections to a URL's host are made; `undefined`: as the runtime does by itself. Throws for what cannot be used. */
export type TlsLookup = (url: URL) => TlsOptions | undefined;

interface DenoTls {
  createHttpClient(options: { caCerts: readonly string[]; cert?: string; key?: string }): unknown;
}

const { Bun: bun, Deno: deno } = globalThis as { Bun?: unknown; Deno?: DenoTls };

/** The longest file of authorities that `SSL_CERT_FILE` may name, in bytes: the system's own has 220 KB. */
const MAX_AUTHORITIES = 16 * 1024 * 1024;

/**
 * What fetch has to be given for these options.
 *
 * @throws {SatchelError} `usage` for what the runtime cannot do, or does not take
 */
export async function fetchTlsOptions(options: TlsOptions): Promise<Record<string, unknown>> {
  if (bun) return { tls: await bunTls(options) };
  return deno ? { client: denoClient(options, deno) } : {};
}

async function bunTls({ authorities = [], client, unverified }: TlsOptions): Promise<Record<string, unknown>> {
  return {
    // Those alone would be trusted that are named here.
    ...(authorities.length > 0 && { ca: [...await usualAuthorities(), ...authorities] }),
    ...(client && { cert: client.certificate, key: client.key }),
    ...(unverified && { rejectUnauthorized: false }),
  };
}

/** What Bun trusts by itself: its own list, `NODE_EXTRA_CA_CERTS`, and the system's with `SSL_CERT_FILE` and `SSL_CERT_DIR`. */
async function usualAuthorities(): Promise<Set<string>> {
  const { getCACertificates } = await import("node:tls");
  return new Set([...getCACertificates("default"), ...getCACertificates("system")]);
}

function denoClient({ authorities = [], client, unverified }: TlsOptions, { createHttpClient }: DenoTls): unknown {
  if (unverified) {
    throw new SatchelError("usage", "the check of certificates cannot be switched off when Deno runs satchel", {
      hint: "Use the binary, or put the authority's certificate into the folder of certificates for this host.",
    });
  }
  try {
    return createHttpClient({
      caCerts: authorities,
      ...(client && { cert: client.certificate, key: client.key }),
    });
  } catch (cause) {
    const what = client ? `the certificates, or the pair of ${client.source}` : "the certificates";
    throw new SatchelError("usage", `${what} cannot be used: ${(cause as Error).message}`, { cause });
  }
}

/**
 * The options that make connections trust the authorities in a PEM file, which `SSL_CERT_FILE` names. Bun heeds that variable
 * by itself, so there are none then; but it would wait for ever for a FIFO, and say nothing about a file that is not there or
 * holds no certificate.
 *
 * @throws {SatchelError} `usage` if the file cannot be read, or holds no certificate
 */
export function tlsFromCaFile(path: string): TlsOptions | undefined {
  let text: string;
  try {
    text = new TextDecoder().decode(readSmallFile(path, MAX_AUTHORITIES));
  } catch (cause) {
    const message = `cannot read the certificates of SSL_CERT_FILE, ${path}: ${systemReason(cause)}`;
    throw new SatchelError("usage", message, { cause });
  }
  if (!/-----BEGIN (?:TRUSTED )?CERTIFICATE-----/.test(text)) {
    throw new SatchelError("usage", `SSL_CERT_FILE, ${path}, holds no certificate in PEM form`);
  }
  return bun ? undefined : { authorities: [text] };
}
