import { SatchelError } from "../../lib/error.ts";
import { printable } from "../../lib/printable.ts";

/** Where to listen. */
export interface ListenAddress {
  /** A host name, or an address without brackets. */
  hostname: string;
  /** 0 is any that is free. */
  port: number;
}

/** What stands for all addresses of this host. */
const ALL = "0.0.0.0";

/**
 * Reads `HOST:PORT`, `[IPV6]:PORT` or `:PORT`, which is all addresses.
 *
 * @param flag its long name, for the error text
 * @throws {SatchelError} `usage`
 */
export function parseListenAddress(text: string, flag: string): ListenAddress {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([a-zA-Z0-9.-]*)):(\d{1,5})$/.exec(text);
  const port = Number(found?.[3]);
  if (found && port <= 65535) return { hostname: found[1] ?? (found[2] || ALL), port };
  throw new SatchelError("usage", `invalid argument ${printable(JSON.stringify(text), 100)} for "--${flag}" flag`, {
    hint:
      "An address is written like 127.0.0.1:5000, [::1]:5000, registry.example:5000, or :5000 for all of this host.",
  });
}

/** Whether only this host can reach it. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase();
  return name === "localhost" || name === "::1" || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(name);
}

/** Whether it stands for all addresses of this host. */
export function isUnspecified(hostname: string): boolean {
  return hostname === ALL || /^[0:]+$/.test(hostname);
}

/** `HOST:PORT` as clients write it. */
export function formatAddress({ hostname, port }: ListenAddress): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
