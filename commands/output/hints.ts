import type { Obstacle, ObstacleReason, Remedy } from "../../lib/error.ts";

/** Whether the command at hand has a flag. */
type HasFlag = (name: string) => boolean;

const UNVERIFIED =
  "--tls-verify=false goes on unchecked: then whoever is in between can read and change everything, passwords too.";

/** For hosts that nobody can say anything about by flags or settings. */
const NO_TLS = (host: string) => `Does ${host} speak TLS, and does no proxy come in between?`;

const HINTS: Record<ObstacleReason, (obstacle: Obstacle, has: HasFlag, program: string) => string | undefined> = {
  "plain-http": ({ host, role }, has) => {
    if (role === "other") return NO_TLS(host);
    const condition = `If ${host} is meant to speak plain HTTP`;
    if (role === "mirror") return `${condition}, write http://${host} for this mirror in the configuration.`;
    if (has("insecure-registries")) return `${condition}: --insecure-registries ${host}`;
    if (has("plain-http")) return `${condition}: --plain-http`;
    return `${condition}, name it in insecureRegistries of the configuration.`;
  },
  "tls-expected": ({ host, role }, has) => {
    if (role === "other") return undefined;
    const condition = `If ${host} speaks TLS`;
    if (role === "mirror") return `${condition}, write https://${host} for this mirror in the configuration.`;
    const flag = has("insecure-registries") ? "--insecure-registries" : has("plain-http") ? "--plain-http" : undefined;
    const others = "SATCHEL_INSECURE_REGISTRIES, insecureRegistries of the configuration";
    return `${condition}, what says otherwise has to go: ${flag === undefined ? "" : `${flag}, `}${others}.`;
  },
  "unknown-authority": (obstacle, has) =>
    `If you know this authority, put its certificate as a *.crt into ${
      folders(obstacle, has)
    }, or name its PEM file by ` +
    `SSL_CERT_FILE.${lastResort(obstacle, has)}`,
  "wrong-host-name": (obstacle, has) =>
    `Use a name that its certificate is for; ${obstacle.host} may be somebody else.${lastResort(obstacle, has)}`,
  "expired-certificate": (obstacle, has) =>
    `Is this host's clock right? If it is, ${obstacle.host} needs a new certificate.${lastResort(obstacle, has)}`,
  "client-certificate-missing": (obstacle, has) =>
    // What leads to another host is the registry's word, which nobody's certificate follows.
    obstacle.role === "other"
      ? undefined
      : `Put your certificate and its key as NAME.cert and NAME.key into ${folders(obstacle, has)}.`,
  "client-certificate-refused": ({ host }) =>
    `Is it the one for ${host}, signed by an authority that ${host} knows, and not expired?`,
  "proxy-by-tls": ({ role }, has) =>
    "Connect without that proxy, or by a proxy with http:// in its address; or do without a client certificate" +
    `${role === "registry" && has("tls-verify") ? " and without --tls-verify=false" : ""}.`,
  "account-missing": (obstacle, _has, program) =>
    `If it is there and not public, an account is needed: ${loginLine(obstacle, program)}`,
  "account-refused": (obstacle, _has, program) =>
    `The account that is known for ${obstacle.host} is wrong or has not this right. Another one: ${
      loginLine(obstacle, program)
    }`,
};

/**
 * What the user can do about an obstacle, by flags that the command at hand has.
 *
 * @param flags their long names
 * @param program what it was called as
 */
export function obstacleHint(obstacle: Obstacle, flags: ReadonlySet<string>, program: string): string | undefined {
  return HINTS[obstacle.reason](obstacle, (name) => flags.has(name), program);
}

/**
 * What the user can do about an error, by commands of this program and by flags that the command at hand has.
 *
 * @param flags their long names
 * @param program what it was called as
 */
export function remedyHint(remedy: Remedy, flags: ReadonlySet<string>, program: string): string | undefined {
  switch (remedy.kind) {
    case "clean-store":
      return `Free some space; \`${program} store gc\` removes what no image needs.`;
    case "new-inventory": {
      const inventory = `\`${program} store inventory${remedy.isDamaged ? " --check" : ""}\``;
      return `${inventory} lists anew what is here: export again with --have and that.`;
    }
    case "other-store":
      return flags.has("store") ? "--store names another store." : undefined;
    case "local-build":
      return flags.has("local")
        ? "--local builds without a container, with clang and the like of this host."
        : undefined;
    case "builder-image":
      return flags.has("builder-image") ? "--builder-image names another image to build in." : undefined;
    case "builder-image-at-hand":
      return flags.has("builder-image-pull") ? "--builder-image-pull missing takes the one that is here." : undefined;
    case "small-volumes":
      return flags.has("volume-size") ? "--volume-size 4GB writes several smaller ones." : undefined;
    case "larger-volumes":
      return flags.has("volume-size") ? `--volume-size ${remedy.bytes} is large enough.` : undefined;
  }
  return flags.has("tag") && flags.has("name") ? namingHint(remedy) : undefined;
}

function namingHint(remedy: Extract<Remedy, { kind: "repository" | "name" | "rename" | "rename-each" }>): string {
  switch (remedy.kind) {
    case "repository":
      return "Say what repository it is of: --name REPO, or --tag SRC=REPO[:TAG] for each.";
    case "name":
      return `Give it one: --name REPO[:TAG], or --tag ${remedy.digest}=REPO[:TAG].`;
    case "rename":
      return `Give it another one: --tag ${remedy.from}=REPO[:TAG].`;
    case "rename-each":
      return `Give each its own name: --tag ${remedy.from}=REPO[:TAG], and so on.`;
  }
}

function loginLine({ host, byPlainHttp }: Obstacle, program: string): string {
  return `${program} login ${host}${byPlainHttp ? " --plain-http" : ""}`;
}

function lastResort({ role }: Obstacle, has: HasFlag): string {
  return role === "registry" && has("tls-verify") ? ` ${UNVERIFIED}` : "";
}

function folders({ host, role }: Obstacle, has: HasFlag): string {
  const usual = `/etc/containers/certs.d/${host}`;
  return role === "registry" && has("cert-dir") ? `a folder for --cert-dir, or into ${usual}` : usual;
}
