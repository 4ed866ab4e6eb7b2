import type { CommandSpec } from "../line/spec.ts";

export const SERVE: CommandSpec = {
  name: "serve",
  short: "Serve the local store as a registry",
  long:
    "Serve the local store as a registry, by the distribution API.\nIt is read-only and for this host alone, unless asked otherwise.",
  flags: [
    {
      name: "admin-listen",
      type: "string",
      usage: "Address and port for /healthz and /metrics, which ask for no account; none unless given",
    },
    {
      name: "allow-anonymous-push",
      type: "bool",
      usage:
        "Let everybody in without an account: needed with --writable, and for other addresses than loopback, where there is no --htpasswd",
    },
    {
      name: "allow-host",
      type: "strings",
      usage:
        "Names by which a server on loopback may be asked beside loopback's own, as those of a proxy in front of it",
    },
    { name: "anonymous-pull", type: "bool", usage: "Ask for an account only to write; with --htpasswd" },
    {
      name: "archive",
      type: "stringArray",
      usage: "Serve this archive instead of the store, without importing it; may be repeated",
      values: "files",
    },
    {
      name: "htpasswd",
      type: "string",
      usage: "Ask for one of the accounts in this file; passwords have to be hashed with bcrypt (htpasswd -B)",
      values: "files",
    },
    {
      name: "idle-timeout",
      type: "duration",
      usage: "How long a connection may be silent",
      default: "2m",
    },
    {
      name: "listen",
      type: "string",
      usage: "Address and port to listen on; port 0 is any that is free",
      default: "127.0.0.1:5000",
    },
    {
      name: "log-format",
      type: "string",
      usage: "How requests are logged on stderr: text or json",
      default: "text",
      values: ["text", "json"],
    },
    {
      name: "max-upload",
      type: "string",
      usage: "The largest blob that is taken in, as 4GB or 4GiB; without it there is no limit",
    },
    {
      name: "mirror-of",
      type: "strings",
      usage: "Registries to stand in for: their repositories are offered without the registry's name",
    },
    { name: "no-ui", type: "bool", usage: "Offer no page for browsers" },
    { name: "tls-cert", type: "string", usage: "Certificate chain of this server, a PEM file", values: "files" },
    { name: "tls-key", type: "string", usage: "Key of this server, a PEM file", values: "files" },
    { name: "writable", type: "bool", usage: "Let images be pushed and deleted" },
  ],
  load: () => import("../serve/serve.ts"),
};
