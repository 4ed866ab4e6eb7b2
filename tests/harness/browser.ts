import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { peer } from "./peers.ts";

/** A page in Debian's Chromium, with what it complained about. */
export interface BrowserPage extends AsyncDisposable {
  page: Page;
  /** Messages on the console, errors, dialogs, and requests to other hosts than that of the page: none of them shall be. */
  complaints: string[];
}

/** Debian's Chromium, without a screen. It need not be disposed of before its pages. */
export interface Chromium extends AsyncDisposable {
  open(url: string, options?: BrowserContextOptions): Promise<BrowserPage>;
}

/**
 * Starts Chromium, which the test has to ask for as a peer.
 *
 * @param args options of the program
 */
export async function startChromium(args: readonly string[] = []): Promise<Chromium> {
  const browser = await chromium.launch({ executablePath: peer("chromium"), args: [...args] });
  return {
    open: (url, options) => openPage(browser, url, options),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

async function openPage(browser: Browser, url: string, options?: BrowserContextOptions): Promise<BrowserPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", async (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  page.on("request", (request) => {
    if (new URL(request.url()).host !== new URL(url).host) complaints.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}
