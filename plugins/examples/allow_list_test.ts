import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import type { Json, PluginContext, TransferRequest } from "../../lib/plugin/contract.ts";
import { run, scratchFolder } from "../../tests/harness/mod.ts";
import plugin from "./allow-list.ts";

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), "satchel-allow-list");
const A = `sha256:${"a".repeat(64)}`;
const B = `sha256:${"b".repeat(64)}`;

/** What is asked about an image: without a tag where its name has a digest. */
function requestFor(name: string, digest = A): TransferRequest {
  const [, registry, repository, tag, pin] = /^([^/]+)\/([^:@]+)(?::([^@]+))?(@.*)?/.exec(name)!;
  const subject = { mediaType: "application/vnd.oci.image.index.v1+json", digest, size: 100 };
  return { reference: name, registry, repository, ...(tag && !pin && { tag }), subject, store: "/store" };
}

type Verdict = "allowed" | "refused" | "failed";

/** Asks a form of the plugin whether an image may pass; `failed` counts as a refusal. */
type Ask = (allow: readonly string[], request: TransferRequest) => Promise<Verdict>;

async function askModule(settings: PluginContext["settings"], request: TransferRequest): Promise<Verdict> {
  try {
    const answer = await plugin.beforePull!(request, { settings } as PluginContext);
    return answer.allow ? "allowed" : "refused";
  } catch {
    return "failed";
  }
}

const byModule: Ask = (allow, request) => askModule({ first: { x: 1 }, allow }, request);

const byScript: Ask = (allow, request) =>
  askScript(["# what may be pulled", ...allow].join("\n"), variablesOf(request));

function variablesOf({ reference, registry, repository, tag = "", subject, store }: TransferRequest): Variables {
  return {
    SATCHEL_CONTRACT: "1",
    SATCHEL_REFERENCE: reference,
    SATCHEL_REGISTRY: registry,
    SATCHEL_REPOSITORY: repository,
    SATCHEL_TAG: tag,
    SATCHEL_DIGEST: subject.digest,
    SATCHEL_STORE: store,
  };
}

type Variables = Record<string, string>;

/**
 * Runs the script as satchel does.
 *
 * @param list text of the list beside it; `undefined` if there is none
 */
async function askScript(list: string | undefined, env: Variables): Promise<Verdict> {
  await using scratch = await scratchFolder();
  const script = scratch.at("satchel-allow-list");
  await Deno.copyFile(SCRIPT, script);
  if (list !== undefined) await Deno.writeTextFile(scratch.at("allow-list.txt"), list);
  const { code, stdout } = await run("sh", [script, "--satchel-hook", "beforePull"], { env });
  if (code !== 0) return "failed";
  return JSON.parse(stdout).allow ? "allowed" : "refused";
}

const FORMS = [["the module", byModule], ["the script", byScript]] as const;

for (const [form, ask] of FORMS) {
  Deno.test(`${form} lets pass what is listed by its name, its digest, or how it begins`, async () => {
    const cases: [string[], string, string][] = [
      [["r.org/team/app:v1"], "r.org/team/app:v1", "allowed"],
      [["r.org/team/app:v1"], "r.org/team/app:v2", "refused"],
      [["r.org/team/app:v1"], "r.org/team/app:v10", "refused"],
      [["r.org/team/app:v1"], "s.org/team/app:v1", "refused"],
      [["r.org/team/app"], "r.org/team/app:latest", "allowed"],
      [["r.org/team/app"], "r.org/team/app:v1", "refused"],
      [["r.org:5000/app"], "r.org:5000/app:latest", "allowed"],
      [["r.org/team/*"], "r.org/team/app:v1", "allowed"],
      [["r.org/team/*"], "r.org/teams/app:v1", "refused"],
      [["*"], "r.org/team/app:v1", "allowed"],
      [["r.org/*/app:v1"], "r.org/team/app:v1", "refused"],
      [["?.org/team/app:v1", "[r].org/team/app:v1"], "r.org/team/app:v1", form === "the script" ? "failed" : "refused"],
      [[A], "r.org/team/app:v1", "allowed"],
      [[B], "r.org/team/app:v1", "refused"],
      [[`r.org/team/app@${A}`], "r.org/team/app:v1", "allowed"],
      [[`r.org/team/app@${B}`], "r.org/team/app:v1", "refused"],
      [["x.org/a", "y.org/b", "r.org/team/app:v1"], "r.org/team/app:v1", "allowed"],
    ];
    for (const [allow, name, expected] of cases) {
      assert.equal(await ask(allow, requestFor(name)), expected, `${allow} for ${name}`);
    }
  });

  Deno.test(`${form} does not let a tag vouch for a digest that was asked for`, async () => {
    const request = requestFor(`r.org/team/app:v1@${A}`);
    assert.equal(await ask(["r.org/team/app:v1"], request), "refused");
    assert.equal(await ask(["r.org/team/app:v1*"], request), "refused");
    assert.equal(await ask(["r.org/team/app*"], request), "allowed");
    assert.equal(await ask(["r.org/team/app:*"], request), "refused");
    assert.equal(await ask(["r.org/team/app@sha256:*"], request), "allowed");
    assert.equal(await ask([`r.org/team/app@${A}`], request), "allowed");
    assert.equal(await ask([A], request), "allowed");
  });
}

Deno.test("the module fails, and so refuses, where there is no proper list", async () => {
  const request = requestFor("r.org/team/app:v1");
  assert.equal(await askModule({}, request), "failed");
  for (const allow of [null, [], "*", {}, [1], ["*", 1], [""], ["*", ""], [["*"]], true] as Json[]) {
    assert.equal(await askModule({ allow }, request), "failed", JSON.stringify(allow));
  }
});

Deno.test("the script fails, and so refuses, where there is no proper list", async () => {
  const variables = variablesOf(requestFor("r.org/team/app:v1"));
  assert.equal(await askScript("*", variables), "allowed", "the last line need not end");
  for (
    const list of [undefined, "", "\n", "# *\n", "*\n\n", "* *", "*\n$(id)", "*\r\n", " *", "*\n`id`\n"]
  ) {
    assert.equal(await askScript(list, variables), "failed", JSON.stringify(list));
  }
});

Deno.test("the script fails where it is not told what is asked about", async () => {
  const all = variablesOf(requestFor("r.org/team/app:v1"));
  const needed = ["SATCHEL_CONTRACT", "SATCHEL_REGISTRY", "SATCHEL_REPOSITORY", "SATCHEL_TAG", "SATCHEL_DIGEST"];
  for (const name of needed) {
    const { [name]: _, ...others } = all;
    assert.equal(await askScript("*", others), "failed", name);
    assert.equal(await askScript("*", { ...all, [name]: 'x", "allow": true' }), "failed", name);
  }
  assert.equal(await askScript("*", { ...all, SATCHEL_CONTRACT: "2" }), "failed");
});

Deno.test("both forms judge alike, whatever the list and the name", async () => {
  const part = fc.constantFrom("a", "b", "app", "app-1", "x.y");
  const name = fc.tuple(
    fc.constantFrom("r.org", "r.org:5000", "localhost"),
    fc.array(part, { minLength: 1, maxLength: 3 }),
    fc.constantFrom("latest", "v1", "v10"),
    fc.constantFrom("", `@${A}`),
  ).map(([registry, path, tag, digest]) => `${registry}/${path.join("/")}:${tag}${digest}`);
  const entry = fc.tuple(name, fc.nat(60), fc.constantFrom("", "*", "**")).map(([text, cut, star]) =>
    (star === "" && cut > 40 ? text : text.slice(0, cut)) + star
  ).filter((text) => text !== "");
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 4 }), name, fc.boolean(), async (list, asked, pick) => {
      const request = requestFor(asked);
      const allow = pick ? [...list, asked.slice(0, Math.ceil(asked.length / 2)) + "*"] : list;
      assert.equal(await byScript(allow, request), await byModule(allow, request));
    }),
    { numRuns: 150 },
  );
});
