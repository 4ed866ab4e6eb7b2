import { type HostRole, SatchelError, throwIfCancelled } from "../error.ts";
import { printable } from "../printable.ts";
import {
  type CertificateFacts,
  type ClientCertificate,
  type FetchFailure,
  inspectPeer,
  type PeerReport,
  type TlsLookup,
} from "../runtime/mod.ts";
import { type CertificateFailure, isCertificateFailure, networkError } from "./network_error.ts";

/** What is known of a request that failed. */
export interface FailedRequest {
  failure: FetchFailure;
  /** What the runtime says. */
  text: string;
  cause: unknown;
}

/** What the error depends on. */
export interface CertificateErrorOptions {
  tls?: TlsLookup;
  /** Whether requests go through a proxy: what a direct connection finds is then somebody else's, perhaps. */
  proxied?: boolean;
  signal?: AbortSignal;
}

/** How long a host may take to say that it wants a client certificate, in milliseconds. */
const ALERT_TIME = 1_000;

/** How much is shown of each text of a certificate, in UTF-16 units, and how many of its names. */
const MAX_TEXT = 100;
const MAX_NAMES = 8;

/** Whether a failure may or may not be because of a certificate: of an alert, Bun tells nothing but that TLS failed. */
export function isUnclear(url: URL, failure: FetchFailure): boolean {
  return url.protocol === "https:" && (failure === "tls" || failure === "plain-http");
}

/**
 * The error for a request that failed because of a certificate. fetch does not give the certificate, so the host is connected
 * to once more, to see it; if that fails too, the error does without.
 */
export async function certificateError(
  what: string,
  url: URL,
  request: FailedRequest,
  role: HostRole,
  { tls, proxied = false, signal }: CertificateErrorOptions,
): Promise<SatchelError> {
  const alertTime = isCertificateFailure(request.failure) ? 0 : ALERT_TIME;
  const report = proxied ? undefined : await inspectPeer(url, alertTime, signal);
  throwIfCancelled(signal);
  const client = tls?.(url)?.client;
  const failure = clarified(request.failure, report, client);
  if (!isCertificateFailure(failure)) return networkError(what, url, { ...request, failure }, role);
  return new SatchelError("network", `${what}: ${reason(failure, url, role, report, client)}`, {
    obstacle: { reason: failure, role, host: url.host },
    cause: request.cause,
  });
}

/** What a failure means in the light of what was seen: a connection that shows no certificate is told why. */
function clarified(
  failure: FetchFailure,
  report: PeerReport | undefined,
  client: ClientCertificate | undefined,
): FetchFailure {
  const isWanted = report?.failure !== undefined && /ALERT_CERTIFICATE_REQUIRED/.test(report.failure);
  if (failure === "client-certificate-missing" || failure === "client-certificate-refused" || isWanted) {
    return client ? "client-certificate-refused" : "client-certificate-missing";
  }
  if (isCertificateFailure(failure) || report === undefined) return failure;
  if (report.agreed) return client ? "client-certificate-refused" : "tls";
  return failure;
}

function reason(
  failure: CertificateFailure,
  { hostname }: URL,
  role: HostRole,
  report: PeerReport | undefined,
  client: ClientCertificate | undefined,
): string {
  switch (failure) {
    case "unknown-authority":
      return `its certificate is signed by an unknown authority${inBrackets(report)}`;
    case "wrong-host-name":
      return `its certificate is not for the name ${hostname}${inBrackets(report)}`;
    case "expired-certificate":
      return `${untimely(report)}${inBrackets(report)}`;
    case "client-certificate-missing":
      return `it wants a client certificate, ${
        role === "other" ? "which only a registry or mirror that was named is shown" : "and there is none for it"
      }`;
    case "client-certificate-refused":
      return `it refuses the client certificate ${printable(client?.source ?? "", 1000)}`;
  }
}

/** Which certificate is out of its time, and since when. */
function untimely(report: PeerReport | undefined): string {
  const now = Date.now();
  const chain = report?.chain ?? [];
  const found = chain.find(({ validFrom, validTo }) => validTo.getTime() < now || validFrom.getTime() > now);
  if (found === undefined) return "its certificate is expired or not yet valid";
  const which = found === chain[0] ? "its certificate" : `the certificate of ${shown(found.subject)}, who signed it,`;
  return found.validTo.getTime() < now
    ? `${which} expired on ${moment(found.validTo)}`
    : `${which} is not valid before ${moment(found.validFrom)}`;
}

function inBrackets(report: PeerReport | undefined): string {
  const own = report?.chain[0];
  return own === undefined ? "" : ` (${describeCertificate(own, report!.names, report!.chain.at(-1)!)})`;
}

/** Which certificate it is, in one line: `CN=localhost for localhost, signed by CN=Test CA, valid from 2026-11-25 to ...`. */
function describeCertificate(own: CertificateFacts, names: readonly string[], last: CertificateFacts): string {
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : "";
  const purpose = names.length > 0
    ? `for ${names.slice(0, MAX_NAMES).map(shown).join(", ")}${more}`
    : "for no host name at all";
  const isChain = last !== own && last.issuer !== own.issuer;
  const signer = own.subject === own.issuer ? "by itself" : `by ${shown(own.issuer)}`;
  return [
    `${shown(own.subject) || "a certificate without a subject"} ${purpose}`,
    `signed ${signer}${isChain ? `, that by ${shown(last.issuer)}` : ""}`,
    `valid from ${moment(own.validFrom)} to ${moment(own.validTo)}`,
  ].join(", ");
}

/** To the minute, `2026-11-25 02:27 UTC`. */
function moment(time: Date): string {
  return Number.isNaN(time.getTime()) ? "?" : `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function shown(text: string): string {
  return printable(text, MAX_TEXT);
}
