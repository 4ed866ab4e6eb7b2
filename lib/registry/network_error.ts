import { type HostRole, type Obstacle, SatchelError } from "../error.ts";
import type { FetchFailure } from "../runtime/mod.ts";
import { printable } from "../printable.ts";
import { asTransient } from "./retry.ts";

/** Failures of which {@link networkError} knows nothing: a certificate has to be told about. */
const CERTIFICATE_FAILURES = [
  "unknown-authority",
  "wrong-host-name",
  "expired-certificate",
  "client-certificate-missing",
  "client-certificate-refused",
] as const satisfies readonly FetchFailure[];

/** A failure because of a certificate. */
export type CertificateFailure = typeof CERTIFICATE_FAILURES[number];

/** Whether a failure is one because of a certificate. */
export function isCertificateFailure(failure: FetchFailure): failure is CertificateFailure {
  return CERTIFICATE_FAILURES.some((each) => each === failure);
}

interface Explanation {
  text: string;
  /** @param isPlain whether it was asked without TLS */
  hint?: (host: string, isPlain: boolean) => string;
  obstacle?: Obstacle["reason"];
  /** Whether another try may mend it. */
  transient?: boolean;
}

const EXPLANATIONS: Record<Exclude<FetchFailure, CertificateFailure>, Explanation> = {
  "refused": { text: "connection refused", hint: (host) => `Is ${host} the right registry, and is it running?` },
  "unknown-host": { text: "no such host", hint: (host) => `The name ${host} cannot be resolved; is it spelled right?` },
  "plain-http": { text: "it does not speak TLS", obstacle: "plain-http" },
  "tls-expected": { text: "it does not speak plain HTTP", obstacle: "tls-expected" },
  "tls": {
    text: "no TLS connection could be made",
    hint: (host) => `Does ${host} speak TLS, and does no proxy come in between?`,
  },
  "broken": {
    text: "the connection broke",
    hint: (host, isPlain) =>
      (isPlain ? `Does ${host} speak TLS? Then it is no insecure registry, and is not to be named as one. ` : "") +
      `Does a proxy or a firewall stand before ${host}? HTTPS_PROXY and NO_PROXY are heeded.`,
    transient: true,
  },
};

/** The error for a request that got no answer, or a body that broke, certificates aside. */
export function networkError(
  what: string,
  url: URL,
  { failure, text, cause }: { failure: Exclude<FetchFailure, CertificateFailure>; text: string; cause: unknown },
  role: HostRole,
): SatchelError {
  const explanation = EXPLANATIONS[failure];
  const detail = failure === "broken" || failure === "tls" ? ` (${printable(withoutAdvice(text), 200)})` : "";
  const error = new SatchelError("network", `${what}: ${explanation.text}${detail}`, {
    hint: explanation.hint?.(url.host, url.protocol === "http:"),
    ...(explanation.obstacle && { obstacle: { reason: explanation.obstacle, role, host: url.host } }),
    cause,
  });
  return explanation.transient ? asTransient(error) : error;
}

/** Without Bun's advice to programmers, and without the URL, whose query may be a secret. */
function withoutAdvice(text: string): string {
  return text.replace(/ ?For more information, pass `verbose: true`.*$/s, "").replace(/https?:\/\/\S+/g, "URL");
}
