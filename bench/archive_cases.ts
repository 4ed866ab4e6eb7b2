/** Cases of archives: out of an OCI layout into a tar, and back. @module */
import { type Case, checkContents, type Prepared, removeFolder, type Sizes, type Turn } from "./case.ts";
import { type Descriptor, Layout } from "./images.ts";
import { archiveLine, commandLine, type Remote, type Tool } from "./tools.ts";

/** Where a single image is from; tools that take bare tags as names of a layout have its tag alone. */
const IMAGE: Remote = { host: "registry.example.org", repository: "bench/image", tag: "v1" };

/** Makes the images of a case. */
export interface ArchivedContent {
  title(sizes: Sizes): string;
  /** Fills a layout; returns the one image, or lists several by names of their own. */
  fill(layout: Layout, sizes: Sizes): Descriptor | undefined;
}

/** Export of all that there is into a tar. */
export function exportCase(name: string, runs: number, content: ArchivedContent): Case {
  return {
    name,
    title: (sizes) => `export, ${content.title(sizes)}`,
    runs,
    prepare: ({ scratch, sizes }) => prepare(scratch, sizes, content, exportTurn),
  };
}

/** Import of all that a tar has into an empty layout. */
export function importCase(name: string, runs: number, content: ArchivedContent): Case {
  return {
    name,
    title: (sizes) => `import, ${content.title(sizes)}`,
    runs,
    prepare: ({ scratch, sizes }) => prepare(scratch, sizes, content, importTurn),
  };
}

/** Images on disk, and how to get them as a tool knows them. */
interface Images {
  scratch: string;
  layout: Layout;
  /** The only image; `undefined` if there are several. */
  root: Descriptor | undefined;
  expected: readonly Descriptor[];
  /** Tars that were made, by the name that the image has in them. */
  tars: Map<string, string>;
}

function prepare(
  scratch: string,
  sizes: Sizes,
  { fill }: ArchivedContent,
  turn: (tool: Tool, images: Images) => Promise<Turn | undefined>,
): Promise<Prepared> {
  const layout = new Layout(`${scratch}/image`);
  const root = fill(layout, sizes);
  if (!root) layout.save();
  const expected = [...layout.contents.blobs, ...layout.contents.manifests];
  const images: Images = { scratch, layout, root, expected, tars: new Map() };
  return Promise.resolve({
    turn: (tool) => turn(tool, images),
    [Symbol.asyncDispose]: () => removeFolder(layout.path),
  });
}

async function exportTurn(tool: Tool, images: Images): Promise<Turn | undefined> {
  const folder = `${images.scratch}/turn`;
  const [store, file] = [`${folder}/store`, `${folder}/images.tar`];
  const names = images.root ? undefined : images.layout.names;
  const words = archiveLine(
    tool,
    store,
    names ? tool.exportAll?.(names, store, file) : tool.export?.(IMAGE, store, file),
  );
  if (!words) return undefined;
  Deno.mkdirSync(folder, { recursive: true });
  await linkLayout(images, tool, store);
  const bytes = images.expected.reduce((sum, { size }) => sum + size, 0);
  return {
    words,
    check: () => {
      if (Deno.statSync(file).size < bytes) throw new Error(`${file} has less than ${bytes} bytes`);
    },
    [Symbol.asyncDispose]: () => removeFolder(folder),
  };
}

async function importTurn(tool: Tool, images: Images): Promise<Turn | undefined> {
  if (!tool.import || (!images.root && !tool.exportAll)) return undefined;
  const store = `${images.scratch}/turn`;
  const args = tool.import(IMAGE, await tarFor(images, tool), store);
  return {
    words: commandLine(tool, args, store),
    check: () => checkContents(store, images.expected),
    [Symbol.asyncDispose]: () => removeFolder(store),
  };
}

/** A tar with the image under the name that a tool wants; the list and the manifests do not come first. */
async function tarFor(images: Images, tool: Tool): Promise<string> {
  const name = images.root ? tool.localName(IMAGE) : "";
  const known = images.tars.get(name);
  if (known !== undefined) return known;
  const tar = `${images.scratch}/${images.tars.size}.tar`;
  const folder = `${tar}.layout`;
  await linkLayout(images, tool, folder);
  const args = ["-C", folder, "--sort=name", "--owner=0", "--group=0", "-cf", tar, "oci-layout", "index.json", "blobs"];
  const { success } = await new Deno.Command("tar", { args }).output();
  if (!success) throw new Error(`tar could not write ${tar}`);
  await removeFolder(folder);
  images.tars.set(name, tar);
  return tar;
}

/** The same content again, by hard links, with an index.json as the tool wants it. */
async function linkLayout({ layout, root, expected }: Images, tool: Tool, folder: string): Promise<void> {
  const local = new Layout(folder);
  for (const { digest } of expected) Deno.linkSync(layout.file(digest), local.file(digest));
  if (!root) return await Deno.copyFile(`${layout.path}/index.json`, `${folder}/index.json`);
  local.list(root, tool.localName(IMAGE));
  local.save();
}
