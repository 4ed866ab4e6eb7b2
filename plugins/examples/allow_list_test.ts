import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import type { Json, PluginContext, TransferRequest } from "../../lib/plugin/contract.ts";
import plugin from "./allow-list.ts";

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), "satchel-allow-list");
const A = `sha256:${"a".repeat(64)}`;
const B = `sha256:${"b".repeat(64)}`;

/** What is asked about an image. */
function requestFor(name: string, digest = A): TransferRequest {
  const [, registry, repository, tag] = /^([^/]+)\/([^:@]+)(?::([^@]+))?/.exec(name)!;
  const subject = { mediaType: "application/vnd.oci.image.index.v1+json", digest, size: 100 };
  return {
    reference: name,
    registry,
    repository,
    ...(tag && { tag }),
    subject,
    store: '/a "store": ],{}"allow":["*"]',
  };
}

/** Whether a form of the plugin lets an image pass; `failed` counts as a refusal. */
type Ask = (allow: Json | undefined, request: TransferRequest) => Promise<"allowed" | "refused" | "failed">;

const byModule: Ask = async (allow, request) => {
  const context = { settings: { first: { x: 1 }, ...(allow !== undefined && { allow }) } } as unknown as PluginContext;
  try {
    const answer = await plugin.beforePull!(request, context);
    return answer.allow ? "allowed" : "refused";
  } catch {
    return "failed";
  }
};

const byScript: Ask = async (allow, request) => {
  const settings = { first: { x: 1 }, ...(allow !== undefined && { allow }) };
  return await runScript(JSON.stringify({ contract: 1, hook: "beforePull", settings, request }));
};

async function runScript(stdin: string): Promise<"allowed" | "refused" | "failed"> {
  const child = new Deno.Command("sh", {
    args: [SCRIPT, "--satchel-hook", "beforePull"],
    signal: AbortSignal.timeout(20_000),
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin)).then(() => writer.close()).catch(() => {});
  const { code, stdout } = await child.output();
  if (code !== 0) return "failed";
  return JSON.parse(new TextDecoder().decode(stdout)).allow ? "allowed" : "refused";
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
    assert.equal(await ask([`r.org/team/app@${A}`], request), "allowed");
    assert.equal(await ask([A], request), "allowed");
  });

  Deno.test(`${form} fails, and so refuses, where there is no proper list`, async () => {
    for (const allow of [undefined, null, [], "*", {}, [1], ["*", 1], [""], ["*", ""], [["*"]], true]) {
      assert.equal(await ask(allow, requestFor("r.org/team/app:v1")), "failed", JSON.stringify(allow));
    }
  });
}

Deno.test("the script fails at whatever is not the request that it expects", async () => {
  const good = JSON.stringify({
    contract: 1,
    hook: "beforePull",
    settings: { allow: ["*"] },
    request: requestFor("r.org/team/app:v1"),
  });
  assert.equal(await runScript(good), "allowed");
  for (
    const text of [
      "",
      "{}",
      "garbage",
      good.slice(0, -1),
      good.replace('"contract":1', '"contract":2'),
      good.replace("r.org/team/app:v1", "r.org/team/app:v1\\u0000"),
      good.replace("r.org/team/app:v1", "r.org/$(id)/app:v1"),
      good.replace('"registry":"r.org"', '"registry":7'),
      good.replace('"registry":"r.org"', '"registry":"r.org","registry":"s.org"'),
      good.replace('"allow":["*"]', '"allow":["*"],"more":{"allow":["x"]}'),
      good.replace('"*"', '"`id`"'),
    ]
  ) assert.equal(await runScript(text), "failed", text);
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
