/** What is measured: each case makes what it needs once, and a fresh place for every run. @module */
import { type ArchivedContent, exportCase, importCase } from "./archive_cases.ts";
import { BUILD_CASE, BUILD_WITH_CLANG_CASE } from "./build_case.ts";
import { type Bench, type Case, checkContents, plainTurn, type Prepared, removeFolder, type Turn } from "./case.ts";
import { addGadget, addLayers, type Descriptor, fillWithNames, Layout, upload } from "./images.ts";
import { type Server, startLatencyProxy, startRegistry } from "./servers.ts";
import { commandLine, type Remote, type Tool } from "./tools.ts";

const MIB = 1024 * 1024;

const LARGE: ArchivedContent = {
  title: ({ large }) => `1 layer of ${large} MiB`,
  fill: (layout, { large }) => addLayers(layout, 1, large * MIB),
};

const LAYERS: ArchivedContent = {
  title: ({ layers }) => `${layers} layers of 1 MiB`,
  fill: (layout, { layers }) => addLayers(layout, layers, MIB),
};

const MANY: ArchivedContent = {
  title: ({ images }) => `${images} images that share blobs`,
  fill: (layout, { images }) => void fillWithNames(layout, images),
};

/** All cases, in the order in which they run. */
export const CASES: readonly Case[] = [
  {
    name: "large",
    title: ({ large }) => `pull, 1 layer of ${large} MiB`,
    runs: 1,
    prepare: (bench) => preparePull(bench, (layout) => addLayers(layout, 1, bench.sizes.large * MIB)),
  },
  {
    name: "layers",
    title: ({ layers }) => `pull, ${layers} layers of 1 MiB`,
    runs: 1,
    prepare: (bench) => preparePull(bench, (layout) => addLayers(layout, bench.sizes.layers, MIB)),
  },
  {
    name: "gadget",
    title: () => "pull, a gadget of 8 blobs",
    runs: 5,
    prepare: (bench) => preparePull(bench, addGadget),
  },
  {
    name: "latency",
    title: ({ roundTrip, instantConnect }) =>
      `the same over a round trip of ${roundTrip} ms${instantConnect ? ", free to connect" : ""}`,
    runs: 3,
    prepare: (bench) =>
      preparePull(
        bench,
        addGadget,
        ({ host }) => startLatencyProxy(host, bench.sizes.roundTrip, bench.sizes.instantConnect),
      ),
  },
  {
    name: "push",
    title: ({ large }) => `push, 1 layer of ${large} MiB`,
    runs: 1,
    prepare: preparePush,
  },
  exportCase("export", 1, LARGE),
  importCase("import", 1, LARGE),
  exportCase("export-layers", 1, LAYERS),
  importCase("import-layers", 1, LAYERS),
  exportCase("export-many", 1, MANY),
  importCase("import-many", 1, MANY),
  BUILD_CASE,
  BUILD_WITH_CLANG_CASE,
  { name: "version", title: () => "start-up: `version`", runs: 10, prepare: prepareVersion },
  { name: "list", title: ({ names }) => `list a store of ${names} names`, runs: 2, prepare: prepareList },
];

async function preparePull(
  { scratch, registry }: Bench,
  fill: (layout: Layout) => Descriptor,
  through?: (registry: Server) => Promise<Server>,
): Promise<Prepared> {
  const servers = new AsyncDisposableStack();
  try {
    const origin = servers.use(await startRegistry(registry, `${scratch}/registry`));
    const layout = new Layout(`${scratch}/image`);
    const root = fill(layout);
    await upload(layout, root, `${origin.host}/bench/image`, "v1");
    const host = through ? servers.use(await through(origin)).host : origin.host;
    const expected = [...layout.contents.blobs, ...layout.contents.manifests];
    Deno.removeSync(layout.path, { recursive: true });
    const image = { host, repository: "bench/image", tag: "v1" };
    return {
      turn: (tool) => Promise.resolve(pullTurn(tool, image, expected, `${scratch}/pulled`)),
      [Symbol.asyncDispose]: () => servers.disposeAsync(),
    };
  } catch (error) {
    await servers.disposeAsync();
    throw error;
  }
}

function pullTurn(tool: Tool, image: Remote, expected: readonly Descriptor[], folder: string): Turn | undefined {
  if (!tool.pull) return undefined;
  return {
    words: commandLine(tool, tool.pull(image, folder), folder),
    check: () => checkContents(folder, expected),
    [Symbol.asyncDispose]: () => removeFolder(folder),
  };
}

async function preparePush({ scratch, registry, sizes }: Bench): Promise<Prepared> {
  const layout = new Layout(`${scratch}/image`);
  const root = addLayers(layout, 1, sizes.large * MIB);
  return {
    turn: async (tool) => await pushTurn(tool, layout, root, registry, `${scratch}/turn`),
    [Symbol.asyncDispose]: () => Deno.remove(layout.path, { recursive: true }),
  };
}

/** Each push goes to an empty registry, from a layout that has the image under the one name that is pushed. */
async function pushTurn(
  tool: Tool,
  layout: Layout,
  root: Descriptor,
  registry: string,
  folder: string,
): Promise<Turn | undefined> {
  if (!tool.push) return undefined;
  const server = await startRegistry(registry, `${folder}/registry`);
  const image = { host: server.host, repository: "bench/image", tag: "v1" };
  const store = `${folder}/store`;
  const local = new Layout(store);
  for (const { digest } of [...layout.contents.blobs, ...layout.contents.manifests]) {
    Deno.linkSync(layout.file(digest), local.file(digest));
  }
  local.list(root, tool.localName(image));
  local.save();
  const stored = `${folder}/registry/content/docker/registry/v2/blobs/sha256`;
  return {
    words: commandLine(tool, tool.push(image, store), store),
    check: () => {
      for (const { digest, size } of layout.contents.blobs) {
        const hex = digest.slice("sha256:".length);
        const path = `${stored}/${hex.slice(0, 2)}/${hex}/data`;
        if (Deno.statSync(path).size !== size) throw new Error(`${path} is not ${size} bytes long`);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await removeFolder(folder);
    },
  };
}

function prepareVersion(): Promise<Prepared> {
  return Promise.resolve({
    turn: (tool) => Promise.resolve(plainTurn([tool.path, ...tool.start])),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

function prepareList({ scratch, sizes }: Bench): Promise<Prepared> {
  const layout = new Layout(`${scratch}/store`);
  fillWithNames(layout, sizes.names);
  layout.save();
  return Promise.resolve({
    turn: (tool) => {
      const args = tool.list?.(layout.path);
      return Promise.resolve(args && plainTurn(commandLine(tool, args, layout.path)));
    },
    [Symbol.asyncDispose]: () => Deno.remove(layout.path, { recursive: true }),
  });
}
