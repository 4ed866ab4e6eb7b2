import assert from "node:assert/strict";
import { peer, peerTest, run, scratchFolder, startServe, WRITABLE } from "../harness/mod.ts";

/** What is off unless asked for. Alone `OCI_DATA_SPARSE` is left so: a manifest whose blobs are missing is refused here. */
const ALL = [
  "OCI_API_BLOBS_DIGEST_HEADER",
  "OCI_API_BLOBS_UPLOAD_CANCEL",
  "OCI_API_MANIFESTS_DIGEST_HEADER",
  "OCI_API_MANIFESTS_TAG_PARAM",
];

peerTest("conformance", "the official conformance suite passes, with nothing skipped", async () => {
  await using scratch = await scratchFolder();
  await using served = await startServe({ store: scratch.at("store"), flags: WRITABLE });
  const results = scratch.at("results");
  const outcome = await run(peer("conformance"), [], {
    cwd: scratch.path,
    env: {
      HOME: scratch.path,
      OCI_REGISTRY: served.host,
      OCI_TLS: "disabled",
      OCI_RESULTS_DIR: results,
      ...Object.fromEntries(ALL.map((name) => [name, "true"])),
    },
  });
  const report = outcome.stdout.slice(outcome.stdout.indexOf("OCI Conformance Result"));
  assert.equal(outcome.code, 0, outcome.stdout);
  const counts = Object.fromEntries(
    Array.from(
      report.matchAll(/^ {2}(Disabled|Skip|Pass|FAIL|Error)\.+: +(\d+)$/gm),
      ([, name, count]) => [name, +count],
    ),
  );
  assert.deepEqual(
    { ...counts, Pass: counts.Pass > 900 },
    { Disabled: 0, Skip: 0, Pass: true, FAIL: 0, Error: 0 },
    report,
  );
  const yaml = await Deno.readTextFile(`${results}/results.yaml`);
  const lines = Array.from(yaml.matchAll(/^ {2}([A-Z][^:]+): (\w+)$/gm), ([, name, status]) => [name, status]);
  assert.ok(lines.length > 50, yaml);
  assert.deepEqual(lines.filter(([, status]) => status !== "Pass"), [["Sparse Manifests", "Disabled"]]);
});
