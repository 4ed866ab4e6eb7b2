import type { Exchange } from "../exchange.ts";
import { READ, requireMethod } from "../methods.ts";
import { Cache } from "./cache.ts";
import { clientHost } from "./commands.ts";
import { html } from "./html.ts";
import { imageDetails } from "./image.ts";
import { type ImageAddress, imagePage } from "./image_page.ts";
import { layout } from "./layout.ts";
import { listImages } from "./list.ts";
import { listPage } from "./list_page.ts";
import { type ManifestRead, readManifest, repositoriesNamed } from "./read.ts";
import { pageResponse } from "./response.ts";
import { parsePageRoute } from "./route.ts";
import type { Summary } from "./summary.ts";
import type { PageTools } from "./tools.ts";

/** How many images are known by what a list says of them: some kB each. */
const MAX_SUMMARIES = 2000;

/**
 * Makes what answers browsers: the list of images at `/`, one image at `/images/NAME:TAG` and `/images/NAME@DIGEST`. It has nothing
 * at other paths. See docs/decisions/035.
 */
export function createPage(tools: PageTools): (exchange: Exchange) => Promise<Response | undefined> {
  const summaries = new Cache<Summary>(MAX_SUMMARIES);
  return async (exchange) => {
    const { request, url } = exchange;
    const route = parsePageRoute(url.pathname);
    if (!route) return undefined;
    requireMethod(request, READ);
    if (route.page === "list") {
      const list = await listImages(exchange, tools, summaries);
      return pageResponse(request, listPage(list, url.host, tools));
    }
    const answer = route.page === "image" ? await answerImage(exchange, tools, route.name, route.reference) : undefined;
    return answer ?? problem(exchange, "missing");
  };
}

async function answerImage(
  exchange: Exchange,
  tools: PageTools,
  name: string,
  reference: string,
): Promise<Response | undefined> {
  const { request, url, fileBody } = exchange;
  for (const repository of repositoriesNamed(exchange, name)) {
    const source = { repository, tools, fileBody, signal: request.signal };
    const read = await readManifest(source, reference);
    if (read.state === "missing") continue;
    if (read.state !== "ok") return problem(exchange, read.state);
    const details = await imageDetails(source, read.descriptor, read.manifest);
    return pageResponse(request, imagePage(details, addressOf(url, name, reference), tools));
  }
  return undefined;
}

function addressOf(url: URL, name: string, reference: string): ImageAddress {
  const host = clientHost(url);
  return {
    name,
    reference,
    host: url.host,
    ...(host !== undefined && { clientHost: host }),
    isPlain: url.protocol === "http:",
  };
}

/** Why an image is not shown. */
type Problem = Exclude<ManifestRead["state"], "ok">;

const PROBLEMS: Readonly<
  Record<Problem, readonly [status: number, title: string, text: string]>
> = {
  missing: [404, "Not here", "There is no image of this name here. It may have been removed, or be spelled otherwise."],
  damaged: [500, "Damaged", "The content of this image is damaged here, so it is not shown."],
  invalid: [500, "Cannot be shown", "This image is not as the specification has it, so it cannot be shown."],
};

function problem({ request, url }: Exchange, state: Problem): Response {
  const [status, title, text] = PROBLEMS[state];
  const content = html`<h1>${title}</h1>
<p>${text}</p>
<p><a href="/">All images</a></p>`;
  return pageResponse(request, layout(title, url.host, content), status);
}
