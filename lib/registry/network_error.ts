import { SatchelError } from "../error.ts";
import type { FetchFailure } from "../runtime/mod.ts";
import { printable } from "../printable.ts";
import { asTransient } from "./retry.ts";

interface Explanation {
  text: string;
  hint?: (host: string) => string;
  /** Whether another try may mend it. */
  transient?: boolean;
}

const EXPLANATIONS: Record<FetchFailure, Explanation> = {
  "refused": { text: "connection refused", hint: (host) => `Is ${host} the right registry, and is it running?` },
  "unknown-host": { text: "no such host", hint: (host) => `The name ${host} cannot be resolved; is it spelled right?` },
  "plain-http": {
    text: "it does not speak TLS",
    hint: (host) => `If ${host} is meant to speak plain HTTP: --insecure-registries ${host}`,
  },
  "tls-expected": {
    text: "it does not speak plain HTTP",
    hint: (host) => `If ${host} speaks TLS, leave it out of --insecure-registries.`,
  },
  "unknown-authority": {
    text: "its certificate is signed by an unknown authority",
    hint: () => "Set SSL_CERT_FILE to a PEM file with the authority's certificate.",
  },
  "wrong-host-name": {
    text: "its certificate is for another host name",
    hint: (host) => `Name the registry as its certificate does; ${host} may be another name, or somebody else.`,
  },
  "expired-certificate": {
    text: "its certificate is expired or not yet valid",
    hint: () => "Is this host's clock right?",
  },
  "tls": {
    text: "no TLS connection could be made",
    hint: (host) => `Does ${host} speak TLS, and does no proxy come in between?`,
  },
  "broken": {
    text: "the connection broke",
    hint: (host) => `Does a proxy or a firewall stand before ${host}? HTTPS_PROXY and NO_PROXY are heeded.`,
    transient: true,
  },
};

/** The error for a request that got no answer, or a body that broke. */
export function networkError(
  what: string,
  url: URL,
  { failure, text }: { failure: FetchFailure; text: string },
  cause: unknown,
): SatchelError {
  const explanation = EXPLANATIONS[failure];
  const detail = failure === "broken" || failure === "tls" ? ` (${printable(withoutAdvice(text), 200)})` : "";
  const error = new SatchelError("network", `${what}: ${explanation.text}${detail}`, {
    hint: explanation.hint?.(url.host),
    cause,
  });
  return explanation.transient ? asTransient(error) : error;
}

/** Without Bun's advice to programmers, and without the URL, whose query may be a secret. */
function withoutAdvice(text: string): string {
  return text.replace(/ ?For more information, pass `verbose: true`.*$/s, "").replace(/https?:\/\/\S+/g, "URL");
}
