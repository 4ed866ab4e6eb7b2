import type { CommandSpec, FlagSpec } from "../line/spec.ts";
import { AUTHFILE, CERT_DIR, ONE, OUTPUT, TLS_VERIFY } from "./flags.ts";

/** As the manual page has it for login and logout. */
const LOGIN_AUTHFILE: FlagSpec = {
  ...AUTHFILE,
  usage: "path of the authentication file. Use REGISTRY_AUTH_FILE environment variable to override",
};

export const LOGIN: CommandSpec = {
  name: "login",
  short: "Login to a container registry",
  long: "Login to a container registry on a specified server.\n" +
    "The credentials are tried before they are stored. What is missing is asked for on a terminal.",
  usage: "[command options] REGISTRY",
  arguments: ONE,
  flags: [
    LOGIN_AUTHFILE,
    { ...CERT_DIR, usage: "use certificates at the specified path to access the registry" },
    {
      name: "explain",
      type: "bool",
      usage: "Show where credentials for the registry are looked for, and which are found",
    },
    { name: "get-login", type: "bool", usage: "Return the current login user for the registry" },
    OUTPUT,
    {
      name: "password",
      short: "p",
      type: "string",
      usage: "Password for registry; other users of this host can see it",
    },
    { name: "password-stdin", type: "bool", usage: "Take the password from stdin" },
    { name: "plain-http", type: "bool", usage: "Access the registry over plain HTTP" },
    TLS_VERIFY,
    { name: "username", short: "u", type: "string", usage: "Username for registry" },
  ],
  load: () => import("../login/login.ts"),
};

export const LOGOUT: CommandSpec = {
  name: "logout",
  short: "Logout of a container registry",
  long: "Logout of a container registry on a specified server.",
  usage: "[command options] REGISTRY",
  arguments: { min: 0, max: 1 },
  flags: [
    {
      name: "all",
      short: "a",
      type: "bool",
      usage: "Remove the cached credentials for all registries in the auth file",
    },
    LOGIN_AUTHFILE,
  ],
  load: () => import("../login/logout.ts"),
};
