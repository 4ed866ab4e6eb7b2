import { deepEqual, equal, throws } from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { type Certificates, makeCertificateFolder, makeCertificates, peerTest } from "../../tests/harness/mod.ts";
import { type Scratch, scratchFolder } from "../../tests/harness/mod.ts";
import { certificateLookup, type CertificateOptions } from "./mod.ts";

const NAMED = new URL("https://registry.example:5000/v2/");
const OTHER = new URL("https://token.example/");

const never = (message: string) => {
  throw new Error(message);
};

function lookup(named: Partial<CertificateOptions["named"]>, options: Partial<CertificateOptions> = {}) {
  return certificateLookup({
    named: { host: "registry.example:5000", ...named },
    places: [],
    onWarning: never,
    ...options,
  });
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
  const tls = lookup({ folder }, { places: [scratch.at("places")] });
  deepEqual([tls(OTHER)?.authorities?.length, tls(OTHER)?.client], [1, undefined]);
  equal(tls(NAMED)?.client?.source, `${folder}/client.cert`, "the named folder comes first");
  copyFileSync(made.client.key, `${other}/other.key`);
  equal(tls(OTHER)?.authorities?.length, 1, "a folder is read once");
});

Deno.test("a folder that was named and cannot be used is an error before any host is asked for", async () => {
  await using scratch = await scratchFolder();
  writeFileSync(scratch.at("file"), "");
  throws(() => lookup({ folder: scratch.at("file") }), { code: "usage", message: /\/file: it is not a folder$/ });
  throws(() => lookup({ folder: scratch.at("none") }), { code: "usage", message: /\/none: it does not exist$/ });
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
