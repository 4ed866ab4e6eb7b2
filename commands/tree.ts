import { type CommandSpec, type FlagSpec, OUTPUT_MODES } from "./line/spec.ts";

const OUTPUT: FlagSpec = {
  name: "output",
  short: "o",
  type: "string",
  usage: `Output mode, possible values are, ${OUTPUT_MODES.join(", ")}`,
  default: "columns",
  values: OUTPUT_MODES,
};

const AUTHFILE: FlagSpec = {
  name: "authfile",
  type: "string",
  usage: "Path of the authentication file. This overrides the REGISTRY_AUTH_FILE environment variable " +
    '(default "/var/lib/ig/config.json", for users other than root "~/.ig/config.json")',
  values: "files",
};

/** As the manual page has it for login and logout. */
const LOGIN_AUTHFILE: FlagSpec = {
  ...AUTHFILE,
  usage: "path of the authentication file. Use REGISTRY_AUTH_FILE environment variable to override",
};

const CERT_DIR: FlagSpec = {
  name: "cert-dir",
  type: "string",
  usage: "Use certificates at the specified path (*.crt, *.cert, *.key) to access the registry",
  values: "directories",
};

const TLS_VERIFY: FlagSpec = {
  name: "tls-verify",
  type: "bool",
  usage: "Verify TLS certificates",
  default: "true",
};

const REFERRERS: FlagSpec = {
  name: "referrers",
  type: "bool",
  usage: "Take along what refers to the image: signatures, attestations, SBOMs",
  default: "true",
};

const TRANSFER_FLAGS: readonly FlagSpec[] = [
  AUTHFILE,
  CERT_DIR,
  {
    name: "insecure-registries",
    type: "strings",
    usage: "List of registries to access over plain HTTP, as host or host:port",
  },
  OUTPUT,
  REFERRERS,
  TLS_VERIFY,
];

const GLOBAL_FLAGS: readonly FlagSpec[] = [
  { name: "concurrency", type: "int", usage: "How many transfers may run at the same time", default: "8" },
  {
    name: "config",
    type: "string",
    usage: "Path of one more configuration file. This overrides the SATCHEL_CONFIG environment variable",
    values: "files",
  },
  { name: "debug", type: "bool", usage: "Print every request, and the stack trace of an error" },
  { name: "help", short: "h", type: "bool", usage: "" },
  {
    name: "lock-timeout",
    type: "duration",
    usage: "How long to wait while another process has locked the store, 0 is without end",
    default: "0",
  },
  { name: "no-plugins", type: "bool", usage: "Load no plugins" },
  {
    name: "plugin",
    type: "stringArray",
    usage: "Load this plugin too: path of a module (.ts, .js) or of an executable (satchel-NAME)",
    values: "files",
  },
  { name: "quiet", short: "q", type: "bool", usage: "Print only errors, warnings, lists and what -o asks for" },
  {
    name: "store",
    type: "string",
    usage: "Path of the local image store. This overrides the SATCHEL_STORE environment variable",
    values: "directories",
  },
  { name: "verbose", short: "v", type: "bool", usage: "Print more detailed information" },
  { name: "version", type: "bool", usage: "Print the version" },
  // What `ig` has for its own daemon and for running gadgets: taken without effect, so that its scripts go on working.
  { name: "auto-mount-filesystems", type: "bool", usage: "Taken for the sake of ig's scripts", hidden: true },
  { name: "auto-wsl-workaround", type: "bool", usage: "Taken for the sake of ig's scripts", hidden: true },
  { name: "pprof-addr", type: "string", usage: "Taken for the sake of ig's scripts", hidden: true },
];

const ONE: CommandSpec["arguments"] = { min: 1, max: 1 };

const IMAGE: CommandSpec = {
  name: "image",
  short: "Manage gadget images",
  commands: [
    {
      name: "copy",
      aliases: ["cp"],
      short: "Copy an image from SRC to DST",
      long:
        "Copy an image from SRC to DST.\nEach of them is REGISTRY/NAME:TAG, store:NAME (the local store), archive:FILE[#NAME] or dir:FOLDER[#NAME] (an OCI\n" +
        "image layout). DST keeps the tag of SRC unless it names another one, and without a name the whole name.",
      usage: "SRC DST",
      arguments: { min: 2, max: 2 },
      completes: "images",
      flags: [
        ...TRANSFER_FLAGS,
        { name: "all-tags", type: "bool", usage: "Copy every tag of the repository SRC to the repository DST" },
        { name: "dry-run", type: "bool", usage: "Say what would move and how many bytes, and write nothing" },
        { name: "platform", type: "strings", usage: "Platforms that are needed, as os/architecture[/variant]" },
        {
          name: "sparse",
          type: "bool",
          usage:
            "Leave out the content of all platforms but those of --platform; indexes and their signatures stay valid",
        },
      ],
      load: () => import("./image/copy.ts"),
    },
    {
      name: "export",
      short: "Export the SRC_IMAGE images to DST_FILE",
      long: "Export the SRC_IMAGE images to DST_FILE.\nIt becomes a tar with an OCI image layout; - is stdout.",
      usage: "SRC_IMAGE [SRC_IMAGE n] DST_FILE",
      // How many it needs depends on --all.
      arguments: { min: 0, max: Infinity },
      completes: "images",
      flags: [
        {
          name: "all",
          short: "a",
          type: "bool",
          usage: "Export every image that has a name; DST_FILE is the only argument",
        },
        {
          name: "have",
          type: "stringArray",
          usage: "Leave out what the other side has, by what store inventory printed there",
          values: "files",
        },
        OUTPUT,
        { name: "platform", type: "strings", usage: "Platforms that are needed, as os/architecture[/variant]" },
        { ...REFERRERS, usage: "Export what refers to an image too: signatures, attestations, SBOMs" },
        {
          name: "sparse",
          type: "bool",
          usage:
            "Leave out the content of all platforms but those of --platform; indexes and their signatures stay valid",
        },
        {
          name: "volume-size",
          type: "string",
          usage: "Write files of at most this size, as 4GB or 4GiB: DST_FILE.001, DST_FILE.002, ...",
        },
      ],
      load: () => import("./image/export.ts"),
    },
    {
      name: "import",
      short: "Import images from SRC_FILE",
      long:
        "Import images from SRC_FILE.\nIt is an archive as image export, docker save and other tools write it, plain, or compressed " +
        "with gzip or zstd;\na folder with an image layout; or - for stdin.",
      usage: "SRC_FILE",
      arguments: ONE,
      flags: [
        {
          name: "name",
          type: "string",
          usage:
            "Repository for images whose name in the archive is a tag alone; with :TAG, the name for one without a name",
        },
        OUTPUT,
        { ...REFERRERS, usage: "Import what refers to an image too: signatures, attestations, SBOMs" },
        {
          name: "tag",
          type: "stringArray",
          usage: "Import the image SRC under another name, as SRC=DST; SRC may be a digest",
        },
      ],
      load: () => import("./image/import.ts"),
    },
    {
      name: "list",
      aliases: ["ls"],
      short: "List gadget images on the host",
      usage: "[IMAGE...]",
      arguments: { min: 0, max: Infinity },
      completes: "images",
      flags: [
        { name: "all", short: "a", type: "bool", usage: "List attachments and untagged images too" },
        { name: "no-trunc", type: "bool", usage: "Don't truncate output" },
        OUTPUT,
      ],
      load: () => import("./image/list.ts"),
    },
    {
      name: "pull",
      short: "Pull the specified image from a remote registry",
      usage: "IMAGE",
      arguments: ONE,
      flags: TRANSFER_FLAGS,
      load: () => import("./image/pull.ts"),
    },
    {
      name: "push",
      short: "Push the specified image to a remote registry",
      usage: "IMAGE",
      arguments: ONE,
      completes: "images",
      flags: TRANSFER_FLAGS,
      load: () => import("./image/push.ts"),
    },
    {
      name: "remove",
      aliases: ["rm"],
      suggestFor: ["delete", "del"],
      short: "Remove local gadget image",
      usage: "IMAGE",
      arguments: ONE,
      completes: "images",
      flags: [OUTPUT],
      load: () => import("./image/remove.ts"),
    },
    {
      name: "tag",
      short: "Tag the local SRC_IMAGE image with the DST_IMAGE",
      usage: "SRC_IMAGE DST_IMAGE",
      arguments: { min: 2, max: 2 },
      completes: "images",
      flags: [OUTPUT],
      load: () => import("./image/tag.ts"),
    },
  ],
};

const STORE: CommandSpec = {
  name: "store",
  short: "Check and clean the local image store",
  long: "Check and clean the local image store.\n" +
    "It is /var/lib/ig/oci-store for root and ~/.ig/oci-store for others, the same that ig has.",
  commands: [
    {
      name: "check",
      short: "Read and hash everything in the store and say what is damaged",
      long: "Read and hash everything in the store and say what is damaged.\nThe exit status is 1 if something is.",
      flags: [OUTPUT],
      load: () => import("./store/check.ts"),
    },
    {
      name: "gc",
      short: "Remove what no image needs",
      flags: [
        { name: "dry-run", type: "bool", usage: "Say what would be removed, and remove nothing" },
        {
          name: "min-age",
          type: "duration",
          usage: "Keep what is younger: another process may just be writing it",
          default: "1h",
        },
        OUTPUT,
        { name: "untagged", type: "bool", usage: "Remove images without a name too" },
      ],
      load: () => import("./store/gc.ts"),
    },
    {
      name: "inventory",
      short: "List what is in the store, for image export --have elsewhere",
      long: "List what is in the store, for image export --have elsewhere.\nIt is JSON, and small when compressed.",
      flags: [{ name: "check", type: "bool", usage: "Read and hash everything, and leave out what is damaged" }, {
        ...OUTPUT,
        usage: "Output mode: json, whether it is asked for or not",
        default: "json",
        values: ["json"],
      }],
      load: () => import("./store/inventory.ts"),
    },
  ],
};

const SERVE: CommandSpec = {
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
  load: () => import("./serve/serve.ts"),
};

const LOGIN: CommandSpec = {
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
  load: () => import("./login/login.ts"),
};

const LOGOUT: CommandSpec = {
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
  load: () => import("./login/logout.ts"),
};

const PLUGIN: CommandSpec = {
  name: "plugin",
  short: "Show, try and start plugins",
  commands: [
    {
      name: "call",
      short: "Call a hook of a plugin, to try it",
      long:
        "Call a hook of a plugin, to try it.\nThe request is read from stdin as JSON, the answer is printed as JSON.",
      usage: "PLUGIN HOOK",
      arguments: { min: 2, max: 2 },
      load: () => import("./plugin/call.ts"),
    },
    {
      name: "init",
      short: "Write a plugin to start from",
      usage: "NAME",
      arguments: ONE,
      flags: [
        { name: "directory", type: "string", usage: "Where to write it", default: ".", values: "directories" },
        {
          name: "form",
          type: "string",
          usage: "What to write: a module in TypeScript, or an executable in POSIX shell",
          default: "module",
          values: ["module", "executable"],
        },
      ],
      load: () => import("./plugin/init.ts"),
    },
    {
      name: "inspect",
      short: "Show what a plugin offers",
      usage: "PLUGIN",
      arguments: ONE,
      flags: [OUTPUT],
      load: () => import("./plugin/inspect.ts"),
    },
    {
      name: "list",
      aliases: ["ls"],
      short: "List plugins, and what is wrong with those that cannot be loaded",
      flags: [OUTPUT],
      load: () => import("./plugin/list.ts"),
    },
    {
      name: "types",
      short: "Print the types that a module imports, for its author",
      load: () => import("./plugin/types.ts"),
    },
  ],
};

const CONFIG: CommandSpec = {
  name: "config",
  short: "Show the configuration",
  commands: [
    {
      name: "show",
      short: "Show the effective values, and where each comes from",
      flags: [OUTPUT],
      load: () => import("./config/show.ts"),
    },
  ],
};

const ARCHIVE: CommandSpec = {
  name: "archive",
  short: "Look into archives of images",
  commands: [
    {
      name: "inspect",
      short: "Show what is inside of an archive, by its manifests",
      usage: "FILE",
      arguments: ONE,
      flags: [
        { name: "no-trunc", type: "bool", usage: "Don't truncate output" },
        OUTPUT,
      ],
      load: () => import("./archive/inspect.ts"),
    },
    {
      name: "verify",
      short: "Read and hash everything in an archive",
      long: "Read and hash everything in an archive.\nThe first volume stands for all of them, another one for itself.",
      usage: "FILE",
      arguments: ONE,
      flags: [
        OUTPUT,
        { name: "thin", type: "bool", usage: "Take blobs that are missing for left out, whatever the archive says" },
      ],
      load: () => import("./archive/verify.ts"),
    },
  ],
};

const SHELLS = ["bash", "fish", "zsh"] as const;

const LOADING: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: "source <(PROGRAM completion bash)\nPROGRAM completion bash > /etc/bash_completion.d/PROGRAM",
  fish: "PROGRAM completion fish | source\nPROGRAM completion fish > ~/.config/fish/completions/PROGRAM.fish",
  zsh: 'source <(PROGRAM completion zsh)\nPROGRAM completion zsh > "${fpath[1]}/_PROGRAM"',
};

const COMPLETION: CommandSpec = {
  name: "completion",
  short: "Generate the autocompletion script for the specified shell",
  commands: SHELLS.map((shell) => ({
    name: shell,
    short: `Generate the autocompletion script for ${shell}`,
    examples: LOADING[shell],
    load: () => import("./completion/script.ts"),
  })),
};

/**
 * Every command and flag, as data: the parser, help and completion read it.
 *
 * @param program what the program calls itself
 */
export function commandTree(program: string): CommandSpec {
  return {
    name: program,
    short: "Carry gadget images between registries, hosts and air gaps",
    flags: GLOBAL_FLAGS,
    commands: [
      ARCHIVE,
      COMPLETION,
      CONFIG,
      {
        name: "help",
        short: "Help about any command",
        usage: "[command]",
        arguments: { min: 0, max: Infinity },
        completes: "commands",
        load: () => import("./help_command.ts"),
      },
      IMAGE,
      LOGIN,
      LOGOUT,
      PLUGIN,
      SERVE,
      STORE,
      {
        name: "version",
        short: "Show version",
        flags: [OUTPUT],
        load: () => import("./version.ts"),
      },
      {
        name: "__complete",
        short: "Print completions for the words of a command line",
        arguments: { min: 0, max: Infinity },
        hidden: true,
        load: () => import("./completion/complete.ts"),
      },
    ],
  };
}
