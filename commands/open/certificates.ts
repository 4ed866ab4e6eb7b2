import { certificateLookup, type ClientCertificates } from "../../lib/certificates/mod.ts";
import { registryHost } from "../../lib/oci/mod.ts";
import type { Settings } from "../settings/settings.ts";

/**
 * How TLS connections are made, by the settings. `--cert-dir` and `--tls-verify` are for the registry that the command names, also
 * where one of its mirrors is opened.
 *
 * @throws {SatchelError} `usage` if the folder of `--cert-dir` cannot be used
 */
export function tlsFor(
  { caFile, certDir, certPlaces, tlsVerify, proxiedByTls }: Settings,
  registry: string,
  warn: (message: string) => void,
): ClientCertificates {
  return certificateLookup({
    named: {
      host: registryHost(registry),
      unverified: !tlsVerify,
      ...(certDir !== undefined && { folder: certDir }),
    },
    places: certPlaces,
    ...(caFile !== undefined && { caFile }),
    proxiedByTls,
    onWarning: warn,
  });
}
