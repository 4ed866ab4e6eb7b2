import type { TLSSocket } from "node:tls";
import { systemCode } from "../error.ts";

/** What a certificate says about itself, as it says it: not checked, and not fit to be printed as it is. */
export interface CertificateFacts {
  /** Parts of a name as `CN=registry.example, O=Example`. */
  subject: string;
  issuer: string;
  validFrom: Date;
  validTo: Date;
}

/** What a host showed to a connection that took any certificate. */
export interface PeerReport {
  /** Its own certificate first, then those of who signed it, as far as the host sent them; empty if it showed none. */
  chain: readonly CertificateFacts[];
  /** The names that its own certificate is for: `registry.example`, `127.0.0.1`. */
  names: readonly string[];
  /** Whether TLS was agreed on, which with TLS 1.3 does not mean that the host will have this side. */
  agreed: boolean;
  /** The code of what ended the connection, if something did: `ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED`. */
  failure?: string;
}

/** The longest that a look may take, in milliseconds. */
const TIME_LIMIT = 3_000;

/** More certificates than any chain has. */
const MAX_CHAIN = 10;

/**
 * Connects to a host to see its certificate, whatever that is. Nothing is sent, no certificate shown, and no proxy asked.
 * For telling why a connection failed, and for nothing else: what it returns is anybody's word.
 *
 * @param alertTime how long after the handshake an alert is waited for, in milliseconds: with TLS 1.3 a host refuses a client
 *   only then, a round trip later
 * @returns `undefined` if nobody could be connected to
 */
export async function inspectPeer(url: URL, alertTime: number, signal?: AbortSignal): Promise<PeerReport | undefined> {
  const { connect } = await import("node:tls");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isAddress = host.includes(":") || /^[\d.]+$/.test(host);
  return await new Promise((resolve) => {
    const report: { chain: CertificateFacts[]; names: string[]; agreed: boolean; failure?: string } = {
      chain: [],
      names: [],
      agreed: false,
    };
    let isConnected = false;
    const socket = connect({
      host,
      port: Number(url.port || 443),
      rejectUnauthorized: false,
      ...(!isAddress && { servername: host }),
    });
    const finish = () => {
      clearTimeout(limit);
      signal?.removeEventListener("abort", finish);
      socket.destroy();
      resolve(isConnected ? report : undefined);
    };
    let limit = setTimeout(finish, TIME_LIMIT);
    signal?.addEventListener("abort", finish);
    socket.on("connect", () => isConnected = true);
    socket.on("secureConnect", () => {
      isConnected = true;
      report.agreed = true;
      try {
        addCertificates(report, socket);
      } catch {
        // A certificate that cannot be read: the error does without it.
      }
      clearTimeout(limit);
      limit = setTimeout(finish, alertTime);
    });
    socket.on("data", finish);
    socket.on("close", finish);
    socket.on("error", (error) => {
      report.failure = systemCode(error) ?? error.message;
      finish();
    });
  });
}

function addCertificates(report: { chain: CertificateFacts[]; names: string[] }, socket: TLSSocket): void {
  const first = socket.getPeerCertificate(true);
  report.names = (first.subjectaltname ?? "").split(", ").flatMap((name) => {
    const found = /^(?:DNS|IP Address):(.+)$/.exec(name);
    return found ? [found[1]] : [];
  });
  // What follows in a chain is what the host sent, whether it signed anything or not.
  let signer: string | undefined;
  for (let at = first; at?.subject && report.chain.length < MAX_CHAIN; at = at.issuerCertificate) {
    const [subject, issuer] = [formatName(at.subject), formatName(at.issuer)];
    if (signer !== undefined && subject !== signer) break;
    report.chain.push({ subject, issuer, validFrom: new Date(at.valid_from), validTo: new Date(at.valid_to) });
    if (issuer === subject) break;
    signer = issuer;
  }
}

/** A part that occurs several times is an array. */
function formatName(name: object | undefined): string {
  return Object.entries(name ?? {}).flatMap(([key, value]) => [value].flat().map((each) => `${key}=${each}`)).join(
    ", ",
  );
}
