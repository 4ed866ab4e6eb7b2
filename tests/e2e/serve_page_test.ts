import { strict as assert } from "node:assert";
import {
  ACCOUNT_LINE,
  attachmentTag,
  basic,
  type Image,
  makeCosignSignature,
  makeGadget,
  makeReferrer,
  oras,
  peer,
  peerTest,
  satchelSucceeds,
  type Scratch,
  scratchFolder,
  type Served,
  startServe,
  succeed,
} from "../harness/mod.ts";
import { type BrowserPage, startChromium } from "../harness/browser.ts";
import { focusedElement, pageWidths, textContrast } from "../harness/in_page.js";
import { writeStore } from "./cli_stores.ts";

const NAME = "ghcr.io/team/gadget";

const METADATA = `
name: trace open
description: Shows which files are opened
homepageURL: https://example.org/gadget
params:
  ebpf:
    targ_pid: {key: pid, description: Only this process, defaultValue: "0"}
datasources:
  open:
    fields:
      fname: {annotations: {description: The file, columns.width: "32"}}
`;

/** What may be anywhere in an image; each of it would be seen if it were taken for more than text. */
const HOSTILE = `"><script>document.title="owned";alert(1)</script><img src=http://192.0.2.1/x onerror=alert(2)>`;

/** A store that is served. */
interface World extends AsyncDisposable {
  scratch: Scratch;
  served: Served;
  gadget: Image;
}

/** Serves a gadget with a signature and a bill of materials. */
async function startWorld(
  { gadget = makeGadget({ metadata: METADATA }), flags = [], certificate }: {
    gadget?: Image;
    flags?: readonly string[];
    certificate?: string;
  } = {},
): Promise<World> {
  const scratch = await scratchFolder();
  const store = scratch.at("store");
  await writeStore(store, [
    { image: gadget, name: `${NAME}:v1` },
    { image: makeGadget(), name: "quay.io/other/gadget:v2" },
    { image: makeCosignSignature(gadget.root, certificate), name: attachmentTag(gadget.root.digest, ".sig") },
    { image: makeReferrer(gadget.root, { artifactType: "application/spdx+json", payload: "what is in it" }) },
  ]);
  const served = await startServe({ store, flags });
  const dispose = async () => {
    await served[Symbol.asyncDispose]();
    await scratch[Symbol.asyncDispose]();
  };
  return { scratch, served, gadget, [Symbol.asyncDispose]: dispose };
}

/** The address of an image's page. */
function imageUrl({ url }: Served): string {
  return `${url}/images/${NAME}:v1`;
}

/** The tree that a screen reader reads. */
function accessibleTree({ page }: BrowserPage): Promise<string> {
  return page.locator("body").ariaSnapshot();
}

peerTest("chromium", "a browser shows what a store has, and one image, with scripts and without", async () => {
  await using world = await startWorld();
  await using chromium = await startChromium();
  for (const javaScriptEnabled of [true, false]) {
    await using browser = await chromium.open(world.served.url, { javaScriptEnabled });
    const { page, complaints } = browser;
    await page.getByRole("link", { name: `${NAME}:v1` }).click();
    await page.waitForURL(imageUrl(world.served));
    assert.equal(await page.title(), `${NAME}:v1 - ${world.served.host}`);
    assert.equal(await page.getByText(world.gadget.root.digest).count(), 1);
    await page.getByText("Layers for linux/arm64").first().click();
    assert.ok(await page.getByRole("table", { name: "Layers for linux/arm64" }).isVisible());
    assert.deepEqual(complaints, []);
  }
});

peerTest(
  "chromium",
  "a screen reader finds the headings, the table with its rows, and what each column is",
  async () => {
    await using world = await startWorld();
    await using chromium = await startChromium();
    for (const width of [1200, 320]) {
      const options = { viewport: { width, height: 800 } };
      await using list = await chromium.open(world.served.url, options);
      const tree = await accessibleTree(list);
      assert.match(tree, /^- link "Skip to the content"/);
      assert.match(tree, /- heading "Images" \[level=1\]/);
      assert.match(tree, /- searchbox "Part of a name"/);
      assert.match(tree, /- table "Images by name, with the name that clients pull"/);
      assert.match(tree, /- columnheader "Platforms"/);
      assert.match(tree, new RegExp(`- rowheader "${list.page.url().slice(7)}${NAME}:v1"`));
      assert.match(tree, /cell "(?:Signatures, referrers: )?signed, not verified here/);
      await using image = await chromium.open(imageUrl(world.served), options);
      const headings = (await accessibleTree(image)).match(/heading "[^"]+" \[level=[123]\]/g);
      assert.deepEqual(headings?.filter((each) => !/level=3/.test(each)), [
        `heading "${NAME}:v1" [level=1]`,
        ...["Pull it", "Gadget", "Parameters", "Fields", "Platforms and layers", "Signatures", "What refers to it"].map(
          (heading) => `heading "${heading}" [level=2]`,
        ),
        'heading "Annotations" [level=2]',
      ]);
      assert.equal(await image.page.locator("html").getAttribute("lang"), "en");
    }
  },
);

peerTest(
  "chromium",
  "the keyboard leads past the head of the page and to each image, and it shows where it is",
  async () => {
    await using world = await startWorld();
    await using chromium = await startChromium();
    await using browser = await chromium.open(world.served.url);
    const { page } = browser;
    await page.keyboard.press("Tab");
    const { id: _, ...skip } = await page.evaluate(focusedElement);
    assert.deepEqual(skip, { text: "Skip to the content", outline: "solid 3px", isInView: true });
    await page.keyboard.press("Enter");
    assert.equal((await page.evaluate(focusedElement)).id, "content");
    const seen: string[] = [];
    for (let presses = 0; presses < 4; presses++) {
      await page.keyboard.press("Tab");
      const { text, outline, isInView } = await page.evaluate(focusedElement);
      assert.deepEqual([outline, isInView], ["solid 3px", true], text);
      seen.push(text);
    }
    assert.deepEqual(seen.slice(0, 2), ["q", "Search"]);
    assert.match(seen[2], new RegExp(`${NAME}:v1$`));
    await page.getByRole("link", { name: `${NAME}:v1` }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(imageUrl(world.served));
  },
);

peerTest("chromium", "names are looked for in a form", async () => {
  await using world = await startWorld();
  await using chromium = await startChromium();
  await using browser = await chromium.open(world.served.url, { javaScriptEnabled: false });
  const { page, complaints } = browser;
  await page.getByRole("searchbox").fill("other");
  await page.getByRole("button", { name: "Search" }).click();
  await page.waitForURL("**/?q=other");
  assert.equal(await page.getByRole("row").count(), 2);
  assert.equal(await page.getByRole("searchbox").inputValue(), "other");
  assert.deepEqual(complaints, []);
});

peerTest("chromium", "on a telephone nothing is wider than the screen", async () => {
  const long = "word-without-an-end".repeat(30);
  const gadget = makeGadget({
    metadata: `${METADATA}\nannotations: {x: ${long}}\ndescription: ${long}`,
    annotations: { [long]: long, "org.opencontainers.image.url": `https://example.org/${long}` },
  });
  await using world = await startWorld({ gadget });
  await using chromium = await startChromium();
  for (const url of [world.served.url, imageUrl(world.served)]) {
    await using browser = await chromium.open(url, { viewport: { width: 320, height: 640 }, isMobile: true });
    const widths = await browser.page.evaluate(pageWidths);
    assert.deepEqual(widths, [320, 320, 320], url);
  }
});

peerTest("chromium", "light and dark differ, and all text can be read in both", async () => {
  await using world = await startWorld();
  await using chromium = await startChromium();
  const backgrounds = new Set<string>();
  for (const colorScheme of ["light", "dark"] as const) {
    for (const url of [world.served.url, imageUrl(world.served), `${world.served.url}/images/nothing:v1`]) {
      await using browser = await chromium.open(url, { colorScheme });
      const { lowest, background } = await browser.page.evaluate(textContrast);
      assert.ok(lowest >= 4.5, `${colorScheme} ${url}: ${lowest}`);
      backgrounds.add(background);
    }
  }
  assert.equal(backgrounds.size, 2);
});

peerTest("chromium", "whatever an image says of itself is text to a browser", async () => {
  const annotations = {
    [HOSTILE]: HOSTILE,
    "org.opencontainers.image.title": HOSTILE,
    "org.opencontainers.image.description": `${HOSTILE} \u202egnp.exe`,
    "org.opencontainers.image.url": "javascript:alert(3)",
    "org.opencontainers.image.source": `https://example.org/"onclick="alert(4)`,
    "org.example.long": "x".repeat(1_000_000),
  };
  const text = JSON.stringify(HOSTILE);
  const metadata = `
description: ${text}
homepageURL: "javascript:alert(5)"
params: {ebpf: {x: {key: ${text}, description: ${text}, possibleValues: [${text}]}}}
datasources: {${text}: {fields: {${text}: {annotations: {description: ${text}, ${text}: ${text}}}}}}
`;
  await using world = await startWorld({ gadget: makeGadget({ annotations, metadata }) });
  await using chromium = await startChromium();
  for (
    const url of [world.served.url, imageUrl(world.served), `${world.served.url}/?q=${encodeURIComponent(HOSTILE)}`]
  ) {
    await using browser = await chromium.open(url);
    const { page, complaints } = browser;
    assert.equal(await page.locator("script, img, iframe, object").count(), 0, url);
    assert.doesNotMatch(await page.title(), /owned/);
    assert.deepEqual(complaints, []);
    assert.ok((await page.content()).length < 200_000);
  }
  await using browser = await chromium.open(imageUrl(world.served));
  const { page, complaints } = browser;
  const shown = await page.locator("main").innerText();
  assert.ok(shown.split("<script>document.title=").length > 8, "it is there, as text");
  assert.ok(shown.includes("\\u202egnp.exe"));
  assert.equal(await page.locator('a[href^="javascript"], [onclick], [onerror]').count(), 0);
  for (const link of await page.locator('a[href^="http"]').all()) {
    assert.match(await link.getAttribute("rel") ?? "", /noopener noreferrer/);
  }
  assert.deepEqual(complaints, []);
});

Deno.test("a gadget.yaml that would keep the server busy is not read, and nothing else suffers", async () => {
  const hostile = [
    `a: &a [${"x,".repeat(1000)}]\nparams: {${"y: *a, ".repeat(10)}}`,
    "- ".repeat(100_000),
    `name: ${"[".repeat(100_000)}`,
    "x".repeat(4 * 1024 * 1024),
    "params: [1, 2]\ndatasources: 5\nname: {a: b}",
    "\0\x01\x02",
    "",
  ];
  for (const metadata of hostile) {
    await using world = await startWorld({ gadget: makeGadget({ metadata }) });
    const response = await world.served.fetch(`/images/${NAME}:v1`);
    assert.equal(response.status, 200, metadata.slice(0, 20));
    assert.match(await response.text(), /<h2 id="gadget">/);
  }
});

peerTest("openssl", "a signature's certificate says who signed, and the page that nobody has verified it", async () => {
  await using scratch = await scratchFolder();
  const identity = "https://github.com/team/gadget/.github/workflows/release.yaml@refs/tags/v1";
  await succeed(peer("openssl"), [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem"],
    ...[
      "-out",
      "cert.pem",
      "-days",
      "2",
      "-subj",
      "/O=sigstore.dev",
      "-addext",
      `subjectAltName=critical,URI:${identity}`,
    ],
    ...["-addext", "1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:https://token.actions.githubusercontent.com"],
  ], { cwd: scratch.path, env: { HOME: scratch.path } });
  await using world = await startWorld({ certificate: await Deno.readTextFile(scratch.at("cert.pem")) });
  const text = await (await world.served.fetch(`/images/${NAME}:v1`)).text();
  assert.ok(text.includes(identity));
  assert.ok(text.includes(">https://token.actions.githubusercontent.com<"));
  assert.ok(text.includes("Not verified by this server."));
});

peerTest(["chromium", "oras"], "the commands that a page shows pull the image", async () => {
  await using world = await startWorld();
  await using chromium = await startChromium();
  await using browser = await chromium.open(imageUrl(world.served));
  const commands = await browser.page.locator("pre").allInnerTexts();
  const [satchel, ...others] = commands.map((command) => command.split(" "));
  await satchelSucceeds(satchel.slice(1), { store: world.scratch.at("pulled") });
  const [program, ...args] = others.find(([first]) => first === "oras")!;
  assert.equal(program, "oras");
  await oras(args, { cwd: world.scratch.path });
  const index = JSON.parse(await Deno.readTextFile(world.scratch.at("image", "index.json")));
  assert.ok(index.manifests.some(({ digest }: { digest: string }) => digest === world.gadget.root.digest));
});

Deno.test("without its pages a server is what it was, and with accounts they take one as reading does", async () => {
  await using plain = await startWorld({ flags: ["--no-ui"] });
  for (const path of ["/", `/images/${NAME}:v1`]) {
    const response = await plain.served.fetch(path);
    assert.equal(response.status, 404);
    assert.equal((await response.json()).errors[0].code, "UNSUPPORTED");
  }
  await using scratch = await scratchFolder();
  const accounts = scratch.at("htpasswd");
  await Deno.writeTextFile(accounts, `${ACCOUNT_LINE}\n`);
  await using closed = await startWorld({ flags: ["--htpasswd", accounts] });
  const refused = await closed.served.fetch("/");
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get("WWW-Authenticate") ?? "", /^Basic /);
  assert.doesNotMatch(await refused.text(), /gadget/);
  const allowed = await closed.served.fetch("/", { headers: basic() });
  assert.equal(allowed.status, 200);
  assert.match(await allowed.text(), /team\/gadget:v1/);
  await using open = await startWorld({ flags: ["--htpasswd", accounts, "--anonymous-pull"] });
  assert.equal((await open.served.fetch("/", { method: "HEAD" })).status, 200);
});

Deno.test("an archive is shown like a store", async () => {
  await using world = await startWorld();
  const store = world.scratch.at("store");
  const archive = world.scratch.at("x.tar");
  await satchelSucceeds(["image", "export", `${NAME}:v1`, archive], { store });
  await using served = await startServe({ store: world.scratch.at("no store"), flags: ["--archive", archive] });
  const list = await (await served.fetch("/")).text();
  assert.match(list, /team\/gadget:v1/);
  assert.match(list, /signed, not verified here/);
  const image = await (await served.fetch(`/images/${NAME}:v1`)).text();
  assert.match(image, /Shows which files are opened/);
  assert.match(image, /Only this process/);
});

Deno.test("a page is whole for HTTP: HEAD says how long it is, and one that is known is not sent again", async () => {
  await using world = await startWorld();
  const { served } = world;
  const get = await served.fetch("/");
  const length = (await get.bytes()).length;
  assert.match(get.headers.get("Content-Security-Policy") ?? "", /^default-src 'none'; style-src 'sha256-/);
  const head = await served.fetch("/", { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("Content-Length")], [200, String(length)]);
  const again = await served.fetch("/", { headers: { "If-None-Match": get.headers.get("ETag")! } });
  assert.deepEqual([again.status, (await again.bytes()).length], [304, 0]);
});
