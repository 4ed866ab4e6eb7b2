import assert from "node:assert/strict";
import { parse } from "yaml";
import { type Outcome, satchel, satchelByDeno, satchelSucceeds, scratchFolder } from "../harness/mod.ts";
import { unpackIgStore } from "./cli_stores.ts";
import { type GadgetName, GADGETS, gadgetStore, recordedGadget } from "./gadget_images.ts";

type Contents = Record<string, { content: string; contentType: string }>;

const OCI_KEYS = ["oci.created", "oci.digest", "oci.manifest", "oci.metadata", "oci.repository", "oci.tag"];
const EBPF_KEYS = ["flowchart", "maps", "programs", "sections", "sequence", "variables"].map((key) => `ebpf.${key}`);
const WASM_KEYS = ["wasm.gadgetAPIVersion", "wasm.upcalls"];

function keysOf(name: GadgetName): string[] {
  if (name === "metadata-only" || name === "escapes") return [];
  if (name === "wasm-only") return [...OCI_KEYS, ...WASM_KEYS];
  return [...EBPF_KEYS, ...OCI_KEYS, ...name === "ebpf-and-wasm" ? WASM_KEYS : []];
}

/** Runs `image inspect` on a store with all recorded gadgets. */
async function inspect(...args: readonly string[]): Promise<Outcome> {
  await using scratch = await scratchFolder();
  return await satchel(["image", "inspect", ...args], { store: await gadgetStore(scratch.path) });
}

async function shown(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await inspect(...args);
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout;
}

for (const name of GADGETS) {
  Deno.test(`inspect ${name} has the keys of ig, and the same in every output`, async () => {
    const compact = await shown(name, "-o", "json");
    const contents = JSON.parse(compact) as Contents;
    assert.deepEqual(Object.keys(contents), keysOf(name));
    assert.ok(compact.endsWith("}\n") && !compact.slice(0, -1).includes("\n"));
    assert.ok(!/[<>&]/.test(compact));
    assert.deepEqual(JSON.parse(await shown(name)), contents);
    assert.deepEqual(parse(await shown(name, "-o", "yaml")), contents);
    for (const { content, contentType } of Object.values(contents)) {
      if (contentType === "application/json") JSON.parse(content);
    }
  });
}

Deno.test("inspect shows the manifest and the config to the byte, and the digest of the config", async () => {
  const { manifests: [manifest], blobs: [config] } = recordedGadget("trace-ringbuf");
  const contents = JSON.parse(await shown("trace-ringbuf")) as Contents;
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.deepEqual(contents["oci.manifest"], { content: text(manifest.bytes), contentType: "application/json" });
  assert.deepEqual(contents["oci.metadata"], { content: text(config.bytes), contentType: "text/yaml" });
  assert.equal(contents["oci.digest"].content, config.digest);
  assert.equal(contents["oci.created"].content, "2023-11-14T22:13:20Z");
});

Deno.test("inspect prints what ig printed of ebpf.sections, ebpf.maps, ebpf.variables and ebpf.programs", async () => {
  const compact = async (name: string, key: string) => await shown(name, "--extra-info", key, "-o", "json");
  assert.equal(
    await compact("trace-ringbuf", "ebpf.sections"),
    '["",".strtab",".text","tracepoint/syscalls/sys_enter_openat",".reltracepoint/syscalls/sys_enter_openat",".maps",' +
      '"license",".bss",".BTF",".rel.BTF",".BTF.ext",".rel.BTF.ext",".llvm_addrsig",".symtab"]\n',
  );
  assert.equal(
    await compact("kinds", "ebpf.maps"),
    '[{"Name":"out","Type":"RingBuf"},{"Name":"plain","Type":"Array"},{"Name":".data","Type":"Array"}]\n',
  );
  assert.deepEqual(JSON.parse(await compact("kinds", "ebpf.variables")), [
    { Name: "preset", Offset: 0, Size: 8, Map: ".data" },
    { Name: "zeroed", Offset: 0, Size: 8, Map: ".bss" },
    { Name: "gadget_tracer_kinds___out___kinds", Offset: 8, Size: 8, Map: ".bss" },
    { Name: "keep_kinds", Offset: 16, Size: 8, Map: ".bss" },
  ]);
  assert.equal(
    await compact("ebpf-and-wasm", "ebpf.programs"),
    String.raw`[{"Section":"tracepoint/sched/sched_process_fork","Source":"on_fork:\n\t ; return built_for;\n\t0: ` +
      String
        .raw`LoadMapValue dst: r1, fd: 0 off: 0 \u003c.rodata\u003e\n\t ; return built_for;\n\t2: LdXMemW dst: r0 src: r1 ` +
      String
        .raw`off: 0 imm: 0\n\t3: Exit\n","SourceWithRelocation":"; \treturn built_for;\nLoadMapValue dst: r1, fd: 0 off: 0 ` +
      String.raw`\u003c.rodata\u003e\n; \treturn built_for;\nLdXMemW dst: r0 src: r1 off: 0 imm: 0\nExit\n"}]` + "\n",
  );
});

Deno.test("inspect --extra-info prints text as it is, whatever the output", async () => {
  const flowchart = 'flowchart LR\nwrites[("writes")]\non_write -- "Lookup+Update" --> writes\non_write["on_write"]\n';
  for (const mode of ["json", "jsonpretty", "yaml"]) {
    assert.equal(
      (await shown("top-mapiter", "--extra-info", "ebpf.flowchart", "-o", mode)).trimEnd(),
      flowchart.trimEnd(),
    );
    assert.equal(await shown("top-mapiter", "--extra-info", "oci.tag", "-o", mode), "latest\n");
  }
});

Deno.test("inspect --extra-info prints JSON and YAML in the form that is asked for, keys sorted", async () => {
  assert.equal(
    await shown("ebpf-and-wasm", "--extra-info", "wasm.upcalls", "-o", "yaml"),
    "- gadgetLog\n",
  );
  const metadata = await shown("trace-ringbuf", "--extra-info", "oci.metadata", "-o", "json");
  assert.match(metadata, /^\{"datasources":\{.*\},"description":.*"documentationURL":.*"name":"fixture ring buffer"/);
});

Deno.test("inspect --show-datasources prints what ig printed of a map iterator", async () => {
  const field = { "columns.alignment": "left", "columns.ellipsis": "end", "columns.width": "16" };
  assert.deepEqual(JSON.parse(await shown("top-mapiter", "--show-datasources", "-o", "json")), [{
    name: "writers",
    type: 2,
    fields: [
      {
        name: "pid",
        fullName: "pid",
        size: 4,
        flags: 16,
        kind: 8,
        tags: ["type:__u32", "type:unsigned int", "name:pid", "src:ebpf", "role:key"],
        annotations: field,
      },
      {
        name: "comm",
        fullName: "comm",
        index: 1,
        offs: 4,
        size: 16,
        flags: 16,
        kind: 13,
        tags: ["type:char", "name:comm", "src:ebpf", "role:key"],
        annotations: field,
      },
      {
        name: "calls",
        fullName: "calls",
        index: 2,
        payloadIndex: 1,
        size: 8,
        flags: 16,
        kind: 9,
        tags: ["type:__u64", "type:unsigned long long", "name:calls", "src:ebpf"],
        annotations: { ...field, "columns.alignment": "right", description: "number of calls" },
      },
      {
        name: "bytes",
        fullName: "bytes",
        index: 3,
        payloadIndex: 1,
        offs: 8,
        size: 8,
        flags: 16,
        kind: 9,
        tags: ["type:__u64", "type:unsigned long long", "name:bytes", "src:ebpf"],
        annotations: { ...field, "columns.alignment": "right", "columns.width": "10", template: "bytes" },
      },
    ],
    annotations: { "fetch-count": "0", "fetch-interval": "1s" },
  }]);
  assert.equal(await shown("metadata-only", "--show-datasources"), "null\n");
});

Deno.test("inspect --jsonpath takes the forms of ig and of the RFC, in the binary and from the sources", async () => {
  const name = ["trace-ringbuf", "--extra-info", "oci.metadata"];
  assert.equal(await shown(...name, "--jsonpath", ".name"), "fixture ring buffer\n");
  assert.equal(await shown(...name, "--jsonpath", "$.name", "-o", "yaml"), "fixture ring buffer\n");
  assert.equal(
    await shown("top-mapiter", "--show-datasources", "--jsonpath", "[0].fields[*].fullName", "-o", "json"),
    '["pid","comm","calls","bytes"]\n',
  );
  await using scratch = await scratchFolder();
  const store = await gadgetStore(scratch.path);
  const line = [
    "image",
    "inspect",
    "top-mapiter",
    "--show-datasources",
    "--jsonpath",
    "$[?@.type == 2].fields[1].offs",
  ];
  assert.deepEqual(
    await Promise.all([satchelSucceeds(line, { store }), satchelByDeno(line, { store }).then(({ stdout }) => stdout)]),
    ["[\n  4\n]\n", "[\n  4\n]\n"],
  );
});

const ERRORS: readonly (readonly [args: readonly string[], code: number, message: string])[] = [
  [["trace-ringbuf", "--extra-info", "nosuch"], 3, 'extra info "nosuch" not found'],
  [["metadata-only", "--extra-info", "oci.metadata"], 3, 'extra info "oci.metadata" not found'],
  [
    ["trace-ringbuf", "--extra-info", "oci.tag", "--jsonpath", ".a"],
    2,
    'jsonpath ".a" can only be used with JSON or YAML content',
  ],
  [
    ["trace-ringbuf", "--extra-info", "oci.metadata", "--jsonpath", ".nosuch"],
    3,
    'resolving path ".nosuch": unknown key nosuch',
  ],
  [["trace-ringbuf", "--show-datasources", "--jsonpath", "[5]"], 3, 'resolving path "[5]": index 5 out of bounds'],
  [["trace-ringbuf", "--extra-info", "oci.metadata", "--jsonpath", "[bad"], 2, 'parsing path "[bad": '],
  [["trace-ringbuf", "--jsonpath", ".a"], 2, 'jsonpath ".a" can only be used with extra info or show-datasources'],
  [
    ["trace-ringbuf", "--extra-info", "ebpf.maps", "--show-datasources"],
    2,
    'extra-info "ebpf.maps" and show-datasources cannot be used together',
  ],
  [["trace-ringbuf", "-o", "xml"], 2, 'invalid output mode "xml", valid values are: json, jsonpretty, summary, yaml'],
  [["trace-ringbuf", "-o", "summary", "--show-datasources"], 2, "-o summary shows all"],
  [["trace-ringbuf", "--pull", "nope"], 2, 'invalid pull mode "nope", valid values are: always, missing, never'],
  [["trace-ringbuf", "--platform", "linux"], 2, '"linux" is not a platform'],
  [
    ["trace-ringbuf", "--platform", "linux/riscv64"],
    3,
    "there is nothing for linux/riscv64 in it; it is for linux/amd64",
  ],
  [["trace-ringbuf", "--verify-image"], 2, "--verify-image: inspect verifies no signatures"],
  [["trace-ringbuf", "--public-keys", "KEY"], 2, "--public-keys: inspect verifies no signatures"],
  [
    ["nosuchgadget", "--pull", "never"],
    3,
    "inspecting image: ghcr.io/inspektor-gadget/gadget/nosuchgadget:latest is not in",
  ],
  [
    ["nosuchgadget", "--disallow-pulling"],
    3,
    "inspecting image: ghcr.io/inspektor-gadget/gadget/nosuchgadget:latest is not in",
  ],
  [["trace-ringbuf", "--disallow-pulling", "--pull", "always"], 2, "--pull always and --disallow-pulling contradict"],
  [["sha256:000000000000"], 3, "inspecting image: sha256:000000000000 is not in"],
  [[`sha256:${"0".repeat(64)}`], 3, `inspecting image: sha256:${"0".repeat(64)} is not in`],
  [[], 2, "accepts 1 arg(s), received 0"],
];

for (const [args, code, message] of ERRORS) {
  Deno.test(`inspect ${args.join(" ").slice(0, 90)} is refused`, async () => {
    const outcome = await inspect(...args);
    assert.equal(outcome.stdout, "");
    assert.ok(outcome.stderr.startsWith(`Error: ${message}`), outcome.stderr);
    assert.equal(outcome.code, code);
  });
}

Deno.test("inspect refuses a wrong output before anything is looked at", async () => {
  const { code, stderr } = await satchel(["image", "inspect", "127.0.0.1:1/nothing/there", "-o", "xml"]);
  assert.deepEqual([code, /^Error: invalid output mode "xml"/.test(stderr)], [2, true]);
});

Deno.test("inspect names the keys that there are, likely ones first", async () => {
  const { stderr } = await inspect("trace-ringbuf", "--extra-info", "ebpf.map");
  assert.match(stderr, /^Error: extra info "ebpf.map" not found\nHint: There is ebpf.maps\.\n$/);
});

Deno.test("inspect of what is not stored names what is, or how its registry would be asked", async () => {
  const hint = async (...args: string[]) => /^Hint: (.*)$/m.exec((await inspect(...args)).stderr)?.[1];
  assert.equal(await hint("trace-rinbuf", "--pull", "never"), "Did you mean trace-ringbuf?");
  assert.equal(await hint("store:nosuchgadget"), "Without store:, its registry is asked for it.");
  for (const flags of [["--disallow-pulling"], ["--pull", "never"]]) {
    assert.equal(await hint("nosuchgadget", ...flags), `Without ${flags.join(" ")}, its registry is asked for it.`);
  }
});

Deno.test("inspect takes --verify-image=false and --validate-metadata, which change nothing", async () => {
  const plain = await shown("kinds");
  assert.equal(await shown("kinds", "--verify-image=false", "--validate-metadata=false"), plain);
});

Deno.test("inspect --platform looks into the manifest for that platform", async () => {
  const { manifests: [amd64, arm64] } = recordedGadget("ebpf-and-wasm");
  for (const [platform, { bytes }] of [["linux/amd64", amd64], ["linux/arm64", arm64]] as const) {
    const contents = JSON.parse(await shown("ebpf-and-wasm", "--platform", platform)) as Contents;
    assert.equal(contents["oci.manifest"].content, new TextDecoder().decode(bytes));
  }
});

Deno.test("inspect finds an image by its digest and by the start of it, and a part of it", async () => {
  const { root, manifests: [amd64] } = recordedGadget("trace-perf");
  const key = ["--extra-info", "oci.created"];
  const hex = root.digest.slice("sha256:".length);
  for (
    const name of [
      root.digest,
      hex.slice(0, 12),
      `sha256:${hex.slice(0, 12)}`,
      hex,
      `trace-perf@${root.digest}`,
      amd64.digest,
    ]
  ) {
    assert.equal(await shown(name, ...key), "2023-11-14T22:13:20Z\n");
  }
});

Deno.test("inspect calls what was found by its digest by its name, and what has none by nothing", async () => {
  const { root, manifests: [part] } = recordedGadget("trace-perf");
  const run = async (name: string, key: string) => (await shown(name, "--extra-info", key)).trimEnd();
  for (const name of [root.digest, root.digest.slice(7, 19), "store:trace-perf", "trace-perf:latest"]) {
    assert.deepEqual([await run(name, "oci.repository"), await run(name, "oci.tag")], ["trace-perf", "latest"]);
  }
  assert.deepEqual([await run(part.digest, "oci.repository"), await run(part.digest, "oci.tag")], ["", ""]);
  assert.equal(await run(`trace-perf@${root.digest}`, "oci.tag"), "");
});

Deno.test("inspect shows what ig has put into its store, and what of it is no eBPF", async () => {
  await using scratch = await scratchFolder();
  const store = await unpackIgStore(scratch.path);
  const run = (...args: string[]) => satchel(["image", "inspect", "hello", ...args], { store });
  assert.equal((await run("--extra-info", "oci.created")).stdout, "2024-05-06T07:08:09Z\n");
  const whole = await run("-o", "json");
  assert.deepEqual(Object.keys(JSON.parse(whole.stdout)), OCI_KEYS);
  assert.match(whole.stderr, /^Error: the eBPF layer is no ELF file\n/);
  assert.equal(whole.code, 1);
  const one = await run("--extra-info", "ebpf.maps");
  assert.deepEqual([one.code, one.stdout], [1, ""]);
  assert.match(one.stderr, /^Error: the eBPF layer is no ELF file\n/);
});
