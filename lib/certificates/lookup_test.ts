import { deepEqual, equal, throws } from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { type Certificates, makeCertificateFolder, makeCertificates, peerTest } from "../../tests/harness/mod.ts";
import { type Scratch, scratchFolder } from "../../tests/harness/mod.ts";
import { certificateLookup, type CertificateOptions } from "./mod.ts";

const NAMED = new URL("https://registry.example:5000/v2/");
const OTHER = new URL("https://token.example/");

const never = (message: string) => {
  throw new Error(message);
};

/** The lookup of a client for `origin`. */
function lookup(
  named: Partial<CertificateOptions["named"]>,
  options: Partial<CertificateOptions> = {},
  origin = NAMED,
) {
  return certificateLookup({
    named: { host: "registry.example:5000", ...named },
    places: [],
    onWarning: never,
    ...options,
  })(origin);
}

function folderTest(name: string, body: (folder: string, scratch: Scratch, tls: Certificates) => Promise<void>): void {
  peerTest("openssl", name, async () => {
    await using scratch = await scratchFolder();
    await using tls = await makeCertificates();
    await body(await makeCertificateFolder(scratch.at("folder"), tls, ["authority", "client"]), scratch, tls);
  });
}

folderTest("the folder that was named is for the named host alone", async (folder) => {
  const tls = lookup({ folder });
  equal(tls(NAMED)?.authorities?.length, 1);
  equal(tls(NAMED)?.client?.source, `${folder}/client.cert`);
  for (const url of [OTHER, new URL("https://registry.example/"), new URL("https://registry.example:5001/")]) {
    equal(tls(url), undefined, url.href);
  }
});

folderTest("every other host has the folder of its own name", async (folder, scratch, made) => {
  mkdirSync(scratch.at("places"));
  const other = await makeCertificateFolder(scratch.at("places", OTHER.host), made, ["authority"]);
  await makeCertificateFolder(scratch.at("places", NAMED.host), made, ["authority"]);
  const tls = lookup({ folder }, { places: [{ path: scratch.at("places"), of: "host" }] });
  deepEqual([tls(OTHER)?.authorities?.length, tls(OTHER)?.client], [1, undefined]);
  equal(tls(NAMED)?.client?.source, `${folder}/client.cert`, "the named folder comes first");
  copyFileSync(made.client.key, `${other}/other.key`);
  equal(tls(OTHER)?.authorities?.length, 1, "a folder is read once");
});

folderTest(
  "a client certificate is for the origin of the client alone, whatever folders there are",
  async (_, scratch, made) => {
    const hosts = [NAMED.host, OTHER.host, "registry.example:5001"];
    for (const host of hosts) await makeCertificateFolder(scratch.at("places", host), made, ["authority", "client"]);
    const certificates = certificateLookup({
      named: { host: NAMED.host },
      places: [{ path: scratch.at("places"), of: "host" }],
      onWarning: never,
    });
    for (const origin of hosts.map((host) => new URL(`https://${host}/`))) {
      const tls = certificates(origin);
      for (const host of hosts) {
        const options = tls(new URL(`https://${host}/token`));
        equal(options?.authorities?.length, 1, host);
        equal(options?.client !== undefined, host === origin.host, `${host} for a client of ${origin.host}`);
      }
    }
    const plain = certificates(new URL("http://token.example:443/"));
    equal(plain(OTHER)?.client, undefined, "plain HTTP is another origin");
  },
);

folderTest("a key that everybody can read is warned about once, for all clients", async (folder) => {
  chmodSync(`${folder}/client.key`, 0o644);
  const warnings: string[] = [];
  const named = { host: "a.example", folder, unverified: true };
  const certificates = certificateLookup({ named, places: [], onWarning: (message) => warnings.push(message) });
  const [a, b] = [new URL("https://a.example/"), new URL("https://b.example/")];
  deepEqual([certificates(a)(a)?.client === undefined, certificates(b)(a)?.client === undefined], [false, true]);
  equal(warnings.length, 2, warnings.join());
});

Deno.test("a folder that was named and cannot be used is an error before any host is asked for", async () => {
  await using scratch = await scratchFolder();
  writeFileSync(scratch.at("file"), "");
  throws(() => lookup({ folder: scratch.at("file") }), { code: "usage", message: /\/file: it is not a folder$/ });
  throws(() => lookup({ folder: scratch.at("none") }), { code: "usage", message: /\/none: it does not exist$/ });
});

folderTest("a named folder that others may write to is used, with a warning", async (folder) => {
  chmodSync(folder, 0o777);
  const warnings: string[] = [];
  const tls = lookup({ folder }, { onWarning: (message) => warnings.push(message) });
  equal(tls(NAMED)?.authorities?.length, 1);
  deepEqual(warnings, [
    `Others can change the certificates in ${folder}: it can be written to by everybody (mode 0777)`,
  ]);
});

Deno.test("the check is switched off for the named host alone, and that is said once", () => {
  const warnings: string[] = [];
  const tls = lookup({ unverified: true }, { onWarning: (message) => warnings.push(message) });
  deepEqual([tls(NAMED), tls(NAMED), tls(OTHER)], [{ unverified: true }, { unverified: true }, undefined]);
  equal(warnings.length, 1);
});

folderTest("nothing that is for one host goes to a proxy that speaks TLS", async (folder, scratch, made) => {
  const obstacle = { reason: "proxy-by-tls", role: "registry", host: NAMED.host };
  for (const named of [{ folder }, { unverified: true }]) {
    throws(() => lookup(named, { proxiedByTls: true })(NAMED), { code: "refused", obstacle });
  }
  const authority = await makeCertificateFolder(scratch.at("authority"), made, ["authority"]);
  equal(lookup({ folder: authority }, { proxiedByTls: true })(NAMED)?.authorities?.length, 1);
});
