import { deepEqual, equal, ok, throws } from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import {
  capabilityTest,
  type Certificates,
  makeCertificates,
  peerTest,
  type Scratch,
  scratchFolder,
} from "../../tests/harness/mod.ts";
import { findCertificateFolder, folderNames, readCertificateFolder } from "./mod.ts";

const NOBODY = 65534;

const never = (message: string) => {
  throw new Error(message);
};

function folderTest(name: string, body: (folder: string, made: Certificates, scratch: Scratch) => void): void {
  peerTest("openssl", name, async () => {
    await using scratch = await scratchFolder();
    await using made = await makeCertificates();
    mkdirSync(scratch.at("folder"));
    body(scratch.at("folder"), made, scratch);
  });
}

function putPair(folder: string, stem: string, { client }: Certificates): void {
  copyFileSync(client.certificate, join(folder, `${stem}.cert`));
  copyFileSync(client.key, join(folder, `${stem}.key`));
  chmodSync(join(folder, `${stem}.key`), 0o600);
}

folderTest("every *.crt is an authority, of several certificates too; other files are passed over", (folder, made) => {
  copyFileSync(made.authority, join(folder, "a.crt"));
  const both = [made.authority, made.certificate].map((path) => Deno.readTextFileSync(path)).join("\n");
  writeFileSync(join(folder, "b.crt"), `a comment\n${both}`);
  writeFileSync(join(folder, "README"), "nothing");
  const { authorities, client } = readCertificateFolder(folder, never);
  equal(authorities.length, 3);
  ok(authorities.every((each) => /^-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----$/.test(each)));
  equal(client, undefined);
});

folderTest("of several pairs the first by name is taken, through links as well", (folder, made, scratch) => {
  putPair(folder, "b", made);
  mkdirSync(scratch.at("data"));
  putPair(scratch.at("data"), "x", made);
  for (const ending of ["cert", "key"]) symlinkSync(scratch.at("data", `x.${ending}`), join(folder, `a.${ending}`));
  equal(readCertificateFolder(folder, never).client?.source, join(folder, "a.cert"));
});

folderTest("a key that everybody can read is warned about, one for the owner and the group is not", (folder, made) => {
  putPair(folder, "c", made);
  const warnings: string[] = [];
  chmodSync(join(folder, "c.key"), 0o640);
  readCertificateFolder(folder, never);
  chmodSync(join(folder, "c.key"), 0o644);
  readCertificateFolder(folder, (message) => warnings.push(message));
  equal(warnings.length, 1);
  ok(warnings[0].includes(join(folder, "c.key")));
});

const BROKEN: [string, RegExp, (folder: string, made: Certificates) => void][] = [
  [
    "a .cert without its .key",
    /c\.cert has no .*c\.key/,
    (folder, { client }) => copyFileSync(client.certificate, join(folder, "c.cert")),
  ],
  [
    "a .key without its .cert",
    /c\.key has no .*c\.cert/,
    (folder, { client }) => copyFileSync(client.key, join(folder, "c.key")),
  ],
  ["a .crt that is no PEM", /a\.crt holds no certificate/, (folder) => writeFileSync(join(folder, "a.crt"), "text")],
  [
    "a .crt whose certificate is garbage",
    /a\.crt holds a certificate that cannot be read/,
    (folder) => writeFileSync(join(folder, "a.crt"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
  ],
  ["a .crt that is larger than 1 MiB", /a\.crt is larger than/, (folder, { authority }) => {
    copyFileSync(authority, join(folder, "a.crt"));
    truncateSync(join(folder, "a.crt"), 1024 * 1024 + 1);
  }],
  ["a .crt that is a folder", /a\.crt is not a regular file/, (folder) => mkdirSync(join(folder, "a.crt"))],
  ["a .crt that leads nowhere", /a\.crt: it does not exist/, (folder) => symlinkSync("gone", join(folder, "a.crt"))],
  ["a key of another certificate", /c\.key does not belong to .*c\.cert/, (folder, made) => {
    putPair(folder, "c", made);
    copyFileSync(made.key, join(folder, "c.key"));
  }],
  ["a key that is none", /c\.key is not a private key/, (folder, made) => {
    putPair(folder, "c", made);
    writeFileSync(join(folder, "c.key"), "text");
  }],
];

for (const [what, message, prepare] of BROKEN) {
  folderTest(`${what} is an error of usage that names the file`, (folder, made) => {
    prepare(folder, made);
    throws(() => readCertificateFolder(folder, () => {}), { code: "usage", message });
  });
}

Deno.test("a folder that does not exist is an error that names it", () => {
  throws(() => readCertificateFolder("/no/such/folder", never), {
    code: "usage",
    message: /\/no\/such\/folder: it does/,
  });
});

Deno.test("a folder has the host's name with its port; 443 may be left out", () => {
  deepEqual(folderNames(new URL("https://Registry.Example:5000/v2/")), ["registry.example:5000"]);
  deepEqual(folderNames(new URL("https://registry.example/")), ["registry.example:443", "registry.example"]);
  deepEqual(folderNames(new URL("https://[::1]:5000/")), ["[::1]:5000"]);
});

Deno.test("the first folder that exists counts, place by place", async () => {
  await using scratch = await scratchFolder();
  const [one, two] = [scratch.at("one"), scratch.at("two")];
  const find = (address: string) => {
    const places = [{ path: one, of: "user" }, { path: two, of: "host" }] as const;
    return findCertificateFolder(new URL(address), places, never)?.folder;
  };
  equal(find("https://registry.example/"), undefined);
  mkdirSync(join(two, "registry.example:443"), { recursive: true });
  equal(find("https://registry.example/"), join(two, "registry.example:443"));
  mkdirSync(join(one, "registry.example"), { recursive: true });
  equal(find("https://registry.example/"), join(one, "registry.example"));
  equal(find("https://registry.example:5000/"), undefined);
});

Deno.test("a file in the place of the folder is an error", async () => {
  await using scratch = await scratchFolder();
  writeFileSync(scratch.at("registry.example"), "");
  const places = [{ path: scratch.path, of: "user" }] as const;
  throws(() => findCertificateFolder(new URL("https://registry.example/"), places, never), { code: "usage" });
});

folderTest(
  "a folder that others may write to, or a file in it, is passed over for the user and refused for the host",
  (_, made, scratch) => {
    const [own, host] = [scratch.at("own"), scratch.at("host")];
    const name = "registry.example";
    const url = new URL(`https://${name}/`);
    for (const place of [own, host]) {
      mkdirSync(join(place, name), { recursive: true });
      copyFileSync(made.authority, join(place, name, "ca.crt"));
    }
    const paths = [own, join(own, name), join(own, name, "ca.crt")];
    for (const path of paths) {
      const mode = statSync(path).mode & 0o777;
      chmodSync(path, mode | 0o002);
      const warnings: string[] = [];
      const places = [{ path: own, of: "user" }, { path: host, of: "host" }] as const;
      equal(findCertificateFolder(url, places, (message) => warnings.push(message))?.folder, join(host, name));
      equal(warnings.length, 1);
      const subject = path === join(own, name) ? "it" : path;
      const told = `passed over the certificates in ${
        join(own, name)
      }: ${subject} can be written to by everybody (mode 0`;
      ok(warnings[0].startsWith(told), warnings[0]);
      throws(() => findCertificateFolder(url, [{ path: own, of: "host" }], never), {
        code: "refused",
        message: /are not taken: .* can be written to by everybody/,
        hint: new RegExp(`chmod go-w ${path}$`),
      });
      chmodSync(path, mode);
    }
    equal(findCertificateFolder(url, [{ path: own, of: "user" }], never)?.folder, join(own, name));
  },
);

capabilityTest(
  "root",
  "a sticky folder, as a volume of secrets is, counts as long as every file in it does",
  async () => {
    await using scratch = await scratchFolder();
    const folder = scratch.at("registry.example");
    mkdirSync(folder);
    chmodSync(folder, 0o1777);
    writeFileSync(join(folder, "ca.crt"), "");
    const find = () => {
      const url = new URL("https://registry.example/");
      return findCertificateFolder(url, [{ path: scratch.path, of: "host" }], never)?.names;
    };
    deepEqual(find(), ["ca.crt"]);
    writeFileSync(join(folder, "more.crt"), "");
    chownSync(join(folder, "more.crt"), NOBODY, NOBODY);
    throws(find, { code: "refused", message: /more\.crt belongs to the user nobody/ });
  },
);

capabilityTest(
  "root",
  "another user's folder is passed over, also where the certificates are links to root's",
  async () => {
    await using scratch = await scratchFolder();
    const home = scratch.at("home");
    const folder = join(home, "registry.example");
    mkdirSync(folder, { recursive: true });
    writeFileSync(scratch.at("blob"), "");
    symlinkSync(scratch.at("blob"), join(folder, "ca.crt"));
    const url = new URL("https://registry.example/");
    for (const [path, subject] of [[home, home], [folder, "it"], [scratch.at("blob"), scratch.at("blob")]]) {
      chownSync(path, NOBODY, NOBODY);
      const warnings: string[] = [];
      const found = findCertificateFolder(url, [{ path: home, of: "user" }], (message) => warnings.push(message));
      equal(found, undefined);
      deepEqual(warnings, [`passed over the certificates in ${folder}: ${subject} belongs to the user nobody`]);
      chownSync(path, 0, 0);
    }
  },
);

Deno.test("no host name leads out of the place of the folders", () => {
  const part = fc.constantFrom(
    "..",
    ".",
    "/",
    "\\",
    "%2e",
    "%2f",
    "a",
    ":",
    "@",
    "[",
    "::1",
    "]",
    "0",
    "\0",
    "\n",
    "~",
  );
  const hosts = fc.oneof(fc.array(part, { maxLength: 8 }).map((parts) => parts.join("")), fc.webAuthority());
  fc.assert(fc.property(hosts, (host) => {
    const address = `https://${host}/`;
    fc.pre(URL.canParse(address));
    for (const name of folderNames(new URL(address))) {
      equal(dirname(join("/place", name)), "/place");
    }
  }));
  deepEqual(folderNames(new URL("https://../")), ["..:443"]);
});
