import { printable } from "../printable.ts";

/**
 * The path of a URL for people, in one line and without what was sent: a server may redirect to an address that repeats it, in any
 * mixture of percent-encoding, and a `?` in it ends the path.
 *
 * @param clean takes secrets out of a text
 * @param limit in UTF-16 units
 */
export function shownPath(url: URL, clean: (text: string) => string, limit: number): string {
  // Cut when it is clean: half a secret is one, too.
  return printable(cleanAddress(url, clean).split(/[?#]/, 1)[0], limit);
}

/** Whether path and query of a URL have a secret in them. */
export function hasSecret(url: URL, clean: (text: string) => string): boolean {
  return cleanAddress(url, clean) !== addressOf(url);
}

/** What follows the host, decoded if a secret was found that way. */
function cleanAddress(url: URL, clean: (text: string) => string): string {
  const address = addressOf(url);
  const decoded = percentDecoded(address);
  const cleaned = clean(decoded);
  return cleaned === decoded ? clean(address) : cleaned;
}

function addressOf({ pathname, search, hash }: URL): string {
  return `${pathname}${search}${hash}`;
}

function percentDecoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    const bytes = run.slice(1).split("%").map((digits) => parseInt(digits, 16));
    return new TextDecoder().decode(Uint8Array.from(bytes));
  });
}
