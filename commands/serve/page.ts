import { GADGET_CONFIG_TYPE } from "../../lib/gadget/media_types.ts";
import { certificateNames } from "../../lib/runtime/mod.ts";
import type { HandlerOptions } from "../../lib/server/mod.ts";
import { createPage, errorPage, type PageTools } from "../../lib/server/page/mod.ts";
import { formatAge, formatBytes, parseTime } from "../../lib/terminal/mod.ts";

/** Makes the pages of a server, with what other areas know. */
export function servePages(onError: (error: unknown) => void): Pick<HandlerOptions, "page" | "errorPage"> {
  const tools: PageTools = {
    gadgetConfigType: GADGET_CONFIG_TYPE,
    async readGadget(bytes) {
      const { readGadgetMetadata } = await import("../../lib/gadget/mod.ts");
      return readGadgetMetadata(bytes);
    },
    identityOf: certificateNames,
    readTime,
    formatSize: formatBytes,
    onError,
  };
  return { page: createPage(tools), errorPage };
}

function readTime(text: string): { exact: string; age: string } | undefined {
  const time = parseTime(text);
  return time === undefined ? undefined : { exact: new Date(time).toISOString(), age: formatAge(time, Date.now()) };
}
