import type { Digest } from "../../oci/mod.ts";
import { type Ask, asking, type Shelf } from "../_testing.ts";
import type { HandlerOptions } from "../handler.ts";
import { errorPage } from "./error_page.ts";
import { createPage } from "./page.ts";
import type { PageTools } from "./tools.ts";

/** The media type of the config that {@link pageTools} takes for a gadget's. */
export const GADGET_CONFIG = "application/vnd.gadget.config.v1+yaml";

/** Tools as simple as can be: a gadget's config is JSON, an age is a constant. */
export function pageTools(tools: Partial<PageTools> = {}): PageTools {
  return {
    gadgetConfigType: GADGET_CONFIG,
    readGadget: async (bytes) => ({
      params: [],
      dataSources: [],
      isCut: false,
      ...JSON.parse(new TextDecoder().decode(bytes)),
    }),
    identityOf: (certificate) => ({
      subject: typeof certificate === "string" ? certificate : new TextDecoder().decode(certificate),
      issuer: "https://issuer.test",
    }),
    readTime: (text) => ({ exact: text, age: "a while ago" }),
    formatSize: (bytes) => `${bytes} bytes`,
    onError: () => {},
    ...tools,
  };
}

/** Asks for pages over a shelf. */
export function askingPages(
  shelf: Shelf,
  { tools, ...options }: Partial<HandlerOptions> & { tools?: Partial<PageTools> } = {},
): Ask {
  return asking(shelf, { page: createPage(pageTools(tools)), errorPage, ...options });
}

/** A manifest to put on a shelf. */
export interface MadeImage {
  config?: string;
  configType?: string;
  layers?: readonly { content: string; mediaType?: string; annotations?: Record<string, string> }[];
  artifactType?: string;
  annotations?: Record<string, string>;
}

/** Puts an image with its config and its layers on a shelf. */
export function addImage(shelf: Shelf, image: MadeImage = {}): Digest {
  const { config = "{}", configType = "application/vnd.oci.empty.v1+json", layers = [], ...rest } = image;
  const describe = (content: string, mediaType: string) => ({
    mediaType,
    digest: shelf.blob(content),
    size: new TextEncoder().encode(content).length,
  });
  return shelf.manifest(JSON.stringify({
    schemaVersion: 2,
    config: describe(config, configType),
    layers: layers.map(({ content, mediaType = "application/x", annotations }) => ({
      ...describe(content, mediaType),
      ...(annotations && { annotations }),
    })),
    ...rest,
  }));
}

/** Puts an index of images for `linux/<architecture>` on a shelf. */
export function addIndex(
  shelf: Shelf,
  images: Readonly<Record<string, Digest>>,
  annotations: Record<string, string> = {},
): Digest {
  const type = "application/vnd.oci.image.index.v1+json";
  const manifests = Object.entries(images).map(([architecture, digest]) => ({
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest,
    size: shelf.manifests.get(digest)?.bytes.length ?? 1,
    platform: { os: "linux", architecture },
  }));
  return shelf.manifest(JSON.stringify({ schemaVersion: 2, mediaType: type, manifests, annotations }), type);
}

/** The text of a page without its style sheet and its tags. */
export async function textOf(response: Response): Promise<string> {
  const html = await response.text();
  return html.replace(/<style>.*?<\/style>/s, "").replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
}
